// What pages gain when scripts run. Every page reads and every form works without this file.
(() => {
  "use strict";
  const doc = document, root = doc.documentElement;
  const one = (sel, from = doc) => from.querySelector(sel);
  const all = (sel, from = doc) => [...from.querySelectorAll(sel)];
  const make = (tag, props = {}, ...kids) => {
    const el = Object.assign(doc.createElement(tag), props);
    el.append(...kids);
    return el;
  };
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|submit)$/.test(el.type));
  const say = (text) => { const out = one("#announce"); if (out) out.textContent = text; };
  const fragment = async (href) => {
    const answer = await fetch(href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const text = await answer.text();
    if (!answer.ok) throw Object.assign(new Error(`The server answered ${answer.status}.`), { status: answer.status });
    return new DOMParser().parseFromString(text, "text/html");
  };

  // ---- live: one stream per page; elements fetch themselves again when a fact names them ----
  // The server sends messages with an id and JSON data {"type":"lead.added"}. Type "reset" means
  // that the stream cannot replay from our id: everything is fetched again.
  const live = { last: null, source: null, tries: 0, timer: 0 };
  const wants = (el, type) => el.dataset.refetchOn.split(/\s+/).some((w) => w === type || (w.endsWith("*") && type.startsWith(w.slice(0, -1))));
  const waiting = new Map();
  const refetchSoon = (el) => {
    if (!el.id || waiting.has(el.id)) return;
    waiting.set(el.id, setTimeout(() => { waiting.delete(el.id); refetch(el.id); }, 120));
  };
  async function refetch(id) {
    const old = doc.getElementById(id);
    if (!old) return;
    // Never take a half-written text or an open dialog from under somebody's hands.
    if (old.contains(doc.activeElement) && typing(doc.activeElement) || one("dialog[open]", old)) {
      waiting.set(id, setTimeout(() => { waiting.delete(id); refetch(id); }, 1000));
      return;
    }
    try {
      const page = await fragment(old.dataset.refetchHref || location.href);
      const fresh = page.getElementById(id);
      if (!fresh) return;
      const spot = all("[data-item]", old).findIndex((i) => i.classList.contains("at"));
      const key = old.contains(doc.activeElement) ? doc.activeElement.id : "";
      const open = all("details[id][open]", old).map((d) => d.id);
      old.replaceWith(fresh);
      if (window.htmx) window.htmx.process(fresh);
      dress(fresh);
      open.forEach((d) => { const el = doc.getElementById(d); if (el) el.open = true; });
      if (spot >= 0) mark(all("[data-item]", fresh)[spot], false);
      if (key) doc.getElementById(key)?.focus({ preventScroll: true });
    } catch (cause) {
      linkState(cause.status ? "This part could not be refreshed" : "Reconnecting…");
      waiting.set(id, setTimeout(() => { waiting.delete(id); refetch(id); }, 4000));
      return;
    }
    if (live.source?.readyState === EventSource.OPEN) linkState("");
  }
  function linkState(text) {
    all("[data-link-state]").forEach((el) => { if (el.textContent !== text) el.textContent = text; el.hidden = !text; });
    all("[data-live-tag]").forEach((el) => {
      el.textContent = text ? "reconnecting" : "streaming";
      el.classList.toggle("ok", !text); el.classList.toggle("warm", !!text);
    });
  }
  function connect() {
    const base = doc.body.dataset.live;
    if (!base || !window.EventSource) return;
    live.last ??= doc.body.dataset.liveFrom || null;
    const url = new URL(base, location.href);
    if (live.last) url.searchParams.set("last_event_id", live.last);
    const source = live.source = new EventSource(url);
    source.onopen = () => { live.tries = 0; linkState(""); };
    source.onmessage = (event) => {
      if (event.lastEventId) live.last = event.lastEventId;
      let fact;
      try { fact = JSON.parse(event.data); } catch { return; }
      all("[data-refetch-on]").forEach((el) => { if (fact.type === "reset" || wants(el, fact.type)) refetchSoon(el); });
      doc.dispatchEvent(new CustomEvent("fact", { detail: fact }));
    };
    source.onerror = () => {
      linkState("Reconnecting…");
      // The browser retries by itself unless the answer was an error; then we do, from the last id.
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(live.timer);
        live.timer = setTimeout(connect, Math.min(30000, 500 * 2 ** live.tries++));
      }
    };
  }
  addEventListener("pagehide", () => live.source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  addEventListener("online", () => { if (live.source?.readyState === EventSource.CLOSED) connect(); });

  // ---- dialogs ----
  function sheet(title) {
    let box = one("#sheet");
    if (!box) {
      box = make("dialog", { id: "sheet" });
      box.setAttribute("aria-labelledby", "sheet-title");
      box.append(make("div", { className: "hd" }, make("h2", { id: "sheet-title" }), Object.assign(make("button", { type: "button", textContent: "Close" }), { className: "btn-quiet" })), make("div", { className: "bd" }));
      one("button", box).addEventListener("click", () => box.close());
      doc.body.append(box);
    }
    one("#sheet-title").textContent = title;
    one(".bd", box).replaceChildren();
    return box;
  }
  async function openFrom(link) {
    const box = sheet(link.dataset.dialog || link.textContent.trim().replace(/…$/, ""));
    const body = one(".bd", box);
    body.append(make("p", { className: "quiet", textContent: "Loading…" }));
    box.showModal();
    try {
      const page = await fragment(link.href);
      const part = one("[data-dialog-body]", page) || one("main", page) || page.body;
      body.replaceChildren(...[...part.childNodes].map((n) => doc.importNode(n, true)));
      if (window.htmx) window.htmx.process(body);
      dress(body);
    } catch { location.href = link.href; }
  }
  doc.addEventListener("click", (event) => {
    const el = event.target.closest("a,button");
    if (!event.target.closest("details.menu")) all("details.menu[open]").forEach((d) => { d.open = false; });
    if (!el || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (el.dataset.open) {
      const box = doc.getElementById(el.dataset.open);
      if (box?.showModal) { event.preventDefault(); box.showModal(); }
    } else if ("dialog" in el.dataset && el.href) {
      event.preventDefault();
      openFrom(el);
    } else if ("close" in el.dataset) {
      const box = el.closest("dialog");
      if (box) { event.preventDefault(); box.close(); }
    } else if ("palette" in el.dataset) {
      event.preventDefault();
      palette();
    } else if (el.dataset.copy !== undefined) {
      const text = el.dataset.copy || el.previousElementSibling?.textContent || "";
      navigator.clipboard?.writeText(text).then(() => {
        const was = el.textContent;
        el.textContent = "Copied"; say("Copied");
        setTimeout(() => { el.textContent = was; }, 1500);
      }, () => say("Copying was refused by the browser"));
    }
  });
  doc.addEventListener("click", (event) => { if (event.target.tagName === "DIALOG") event.target.close(); });

  // ---- confirm: a short question (data-confirm) or a word to type (data-word) ----
  doc.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    const question = button?.dataset.confirm || form.dataset.confirm;
    if (!question || form.dataset.sure) { form.dataset.sure = ""; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    const box = sheet(button?.textContent.trim().replace(/…$/, "") || "Please confirm");
    const go = make("button", { type: "button", className: "btn-primary", textContent: button?.textContent.trim().replace(/…$/, "") || "Continue" });
    const stay = make("button", { type: "button", textContent: "Cancel" });
    stay.addEventListener("click", () => box.close());
    go.addEventListener("click", () => { form.dataset.sure = "1"; box.close(); form.requestSubmit(button); });
    one(".bd", box).append(make("p", { textContent: question }), make("div", { className: "acts" }, go, stay));
    box.showModal(); stay.focus();
  }, true);
  function wordGate(input) {
    const form = input.form, button = form && one("[type=submit]", form);
    const check = () => { if (button) button.disabled = input.value.trim() !== input.dataset.word; };
    input.addEventListener("input", check); check();
  }

  // ---- palette ----
  let box = null, asked = 0;
  function palette() {
    const href = one("[data-palette]")?.href;
    if (!href) return;
    if (!box) {
      const input = make("input", { type: "search", placeholder: "Find a lead, client, agent or page", autocomplete: "off" });
      for (const [k, v] of Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": "hits", "aria-autocomplete": "list", "aria-label": "Find anything, do anything" })) input.setAttribute(k, v);
      const hits = make("div", { id: "hits", className: "hits" });
      hits.setAttribute("role", "listbox"); hits.setAttribute("aria-label", "Results");
      box = make("dialog", { className: "palette" }, input, hits);
      box.setAttribute("aria-label", "Find");
      doc.body.append(box);
      let timer = 0;
      input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => ask(href, input, hits), 90); });
      input.addEventListener("keydown", (event) => {
        const rows = all("[role=option]", hits), at = rows.findIndex((r) => r.ariaSelected === "true");
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          pick(rows, (at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length, input);
        } else if (event.key === "Enter" && rows.length) { event.preventDefault(); rows[Math.max(at, 0)].click(); }
      });
    }
    if (!box.open) box.showModal();
    const input = one("input", box);
    input.select(); ask(href, input, one(".hits", box));
  }
  function pick(rows, at, input) {
    rows.forEach((r, i) => r.setAttribute("aria-selected", String(i === at)));
    if (rows[at]) { input.setAttribute("aria-activedescendant", rows[at].id); rows[at].scrollIntoView({ block: "nearest" }); }
  }
  async function ask(href, input, hits) {
    const turn = ++asked, url = new URL(href, location.href);
    url.searchParams.set("q", input.value);
    try {
      const page = await fragment(url);
      if (turn !== asked) return;
      const part = one("[data-hits]", page) || page.body;
      hits.replaceChildren(...[...part.childNodes].map((n) => doc.importNode(n, true)));
      all("a", hits).forEach((a, i) => { a.id = `hit-${i}`; a.tabIndex = -1; a.setAttribute("role", "option"); });
      pick(all("[role=option]", hits), 0, input);
    } catch {
      if (turn === asked) hits.replaceChildren(make("p", { textContent: "The search does not answer. Try again in a moment." }));
    }
  }

  // ---- keyboard ----
  const shown = (el) => el.offsetParent !== null;
  function mark(el, move = true) {
    if (!el) return;
    all("[data-item].at").forEach((i) => i.classList.remove("at"));
    el.classList.add("at");
    if (!move) return;
    el.scrollIntoView({ block: "nearest" });
    if (!el.hasAttribute("tabindex")) el.tabIndex = -1;
    el.focus({ preventScroll: true });
  }
  let leader = 0;
  doc.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") { event.preventDefault(); palette(); return; }
    if (event.key === "Escape") { all("details.menu[open]").forEach((d) => { d.open = false; one("summary", d).focus(); }); return; }
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    const key = event.key;
    if (leader && Date.now() - leader < 1500) {
      leader = 0;
      const link = all("a[data-key]").find((a) => a.dataset.key === key.toLowerCase());
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const items = all("[data-item]").filter(shown), at = items.findIndex((i) => i.classList.contains("at"));
    if (key === "g") leader = Date.now();
    else if (key === "/") { if (one("[data-palette]")) { event.preventDefault(); palette(); } }
    else if (key === "j" && items.length) mark(items[Math.min(at + 1, items.length - 1)]);
    else if (key === "k" && items.length) mark(items[Math.max(at - 1, 0)]);
    else if (key === "Enter" && at >= 0 && event.target === items[at]) one("a[href]", items[at])?.click();
    else if (key === "x" && at >= 0) one("input[type=checkbox]", items[at])?.click();
    else if (/^[aer]$/.test(key) && at >= 0) one(`[data-act="${key}"]`, items[at])?.click();
    else if (key === "?") help();
  });
  function help() {
    const dialog = sheet("Keyboard"), list = make("dl", { className: "pairs" });
    const add = (keys, what) => list.append(make("dt", {}, make("kbd", { textContent: keys })), make("dd", { textContent: what }));
    add("Ctrl K or ⌘K", "Find anything, do anything");
    add("j / k", "Next or previous row"); add("Enter", "Open the row"); add("x", "Select the row");
    if (one("[data-act]")) add("a / e / r", "Approve, edit, reject");
    all("a[data-key]").forEach((a) => add(`g ${a.dataset.key}`, a.dataset.label || a.textContent.trim()));
    one(".bd", dialog).append(list); dialog.showModal();
  }

  // ---- theme: the server reads the cookie and renders it; here only the switch without a reload ----
  doc.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-theme-form]")) return;
    const value = event.submitter?.value;
    if (!value) return;
    event.preventDefault();
    doc.cookie = `theme=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    if (value === "system") delete root.dataset.theme; else root.dataset.theme = value;
    all("[data-theme-form] button").forEach((b) => b.setAttribute("aria-pressed", String(b.value === value)));
  });

  // ---- tables: all rows of this page ----
  doc.addEventListener("change", (event) => {
    const input = event.target, table = input.closest?.("table");
    if (!table || !input.closest(".pick")) return;
    const rows = all("tbody .pick input", table), head = one("thead .pick input", table);
    if (input === head) rows.forEach((r) => { r.checked = head.checked; });
    const on = rows.filter((r) => r.checked).length;
    if (head) { head.checked = on > 0 && on === rows.length; head.indeterminate = on > 0 && on < rows.length; }
    const form = rows[0]?.form, count = form && one("[data-count]", form);
    if (count) count.textContent = on ? `${on} selected` : "Nothing selected";
  });

  // ---- relative times ----
  const span = (s) => {
    const a = Math.abs(s), put = (n, unit) => (s < 0 ? `in ${n} ${unit}` : `${n} ${unit} ago`);
    if (a < 45) return s < 0 ? "in a moment" : "just now";
    if (a < 3570) return put(Math.max(1, Math.round(a / 60)), "min");
    if (a < 84600) return put(Math.max(1, Math.round(a / 3600)), "h");
    const days = Math.max(1, Math.round(a / 86400));
    return days < 14 ? put(days, days === 1 ? "day" : "days") : null;
  };
  // The server's clock counts (it may be a simulation's), not this machine's.
  const ahead = doc.body.dataset.now ? Date.parse(doc.body.dataset.now) - Date.now() : 0;
  const tick = (from = doc) => all("time[data-relative]", from).forEach((el) => {
    const text = span((Date.now() + ahead - Date.parse(el.dateTime)) / 1000);
    if (text && el.textContent !== text) el.textContent = text;
  });
  setInterval(tick, 30000);

  // ---- once per new piece of page ----
  function dress(from) {
    tick(from);
    all("[data-word]", from).forEach(wordGate);
    all("[data-script-only]", from).forEach((el) => { el.hidden = false; });
    all("form[data-auto]", from).forEach((form) => form.addEventListener("change", () => form.requestSubmit()));
  }
  doc.addEventListener("htmx:afterSwap", (event) => dress(event.detail.target));
  dress(doc);
  connect();
})();
