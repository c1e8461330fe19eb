//! What taking lists in adds to the program.

use crate::import::{self, pages as wizard, result};
use axum::Form;
use axum::extract::{Multipart, Path};
use axum::http::Method;
use base::Role;
use leads::Extras;
use std::path::PathBuf;
use uuid::Uuid;
use web::{Access, Module};

/// What this domain needs from the process.
#[derive(Clone)]
pub struct Needs {
    /// The state folder; uploads are kept in its folder `imports`.
    pub state_dir: PathBuf,
    /// What higher domains add: the campaigns that an import can feed.
    pub extras: Extras,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
/// The largest request of an upload: the largest file and the form around it.
const UPLOAD_BYTES_MAX: usize = 201 * 1024 * 1024;

/// Pages and jobs of this domain.
pub fn module(needs: Needs) -> Module {
    let Needs { state_dir, extras } = needs;
    imports(Module::new("intake"), &state_dir, &extras)
        .jobs(move |registry| import::register(registry, &state_dir))
}

fn imports(module: Module, state_dir: &std::path::Path, extras: &Extras) -> Module {
    let folder = || state_dir.to_owned();
    let (for_upload, for_show, for_configure) = (folder(), folder(), folder());
    let (show_extras, configure_extras) = (extras.clone(), extras.clone());
    module
        .page(Method::GET, "/leads/imports", VIEWER, wizard::list)
        .page(Method::GET, "/leads/import", MEMBER, wizard::upload_form)
        .upload("/leads/import", MEMBER, UPLOAD_BYTES_MAX, move |cx: web::Cx, form: Multipart| {
            wizard::upload(cx, form, for_upload.clone())
        })
        .page(Method::GET, "/leads/import/{id}", VIEWER, move |cx: web::Cx, id: Path<Uuid>| {
            wizard::show(cx, id, for_show.clone(), show_extras.clone())
        })
        .page(
            Method::POST,
            "/leads/import/{id}",
            MEMBER,
            move |cx: web::Cx, id: Path<Uuid>, form: Form<Vec<(String, String)>>| {
                wizard::configure(cx, id, form, for_configure.clone(), configure_extras.clone())
            },
        )
        .page(Method::POST, "/leads/import/{id}/cancel", MEMBER, wizard::cancel)
        .page(Method::POST, "/leads/import/{id}/resume", MEMBER, wizard::resume)
        .page(Method::GET, "/leads/import/{id}/rows", VIEWER, result::rows)
        .page(Method::GET, "/leads/import/{id}/rejects", VIEWER, result::rejects)
        .page(Method::GET, "/leads/import/{id}/rejects.csv", MEMBER, result::download)
}
