//! Random interleavings of everything that can happen to a job, beside a model in memory.

use super::bed::{Bed, Note, tenant};
use crate::control::{self, Halt, HaltId};
use crate::store::{self, Again, End, Turn};
use crate::{JobId, NodeId, Options, Outcome, due, enqueue_with};
use base::Random;
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Live {
    Scheduled,
    Ready,
    Running(usize),
}

#[derive(Default)]
struct Model {
    live: BTreeMap<JobId, (Live, i32, u8)>,
    done: BTreeMap<JobId, Outcome>,
    halt: Option<(HaltId, u8)>,
    /// Claims that nodes remember, also those that they have lost since.
    held: Vec<(usize, store::Claimed)>,
}

struct World {
    bed: Bed,
    model: Model,
    nodes: Vec<NodeId>,
    dead: std::collections::BTreeSet<usize>,
    dice: Random,
}

impl World {
    async fn fresh_node(bed: &Bed) -> NodeId {
        let mut cx = bed.system().await;
        let id: NodeId = cx.id();
        sqlx::query("insert into jobs.node (id, roles, version) values ($1, '{worker}', 'test')")
            .bind(id.uuid())
            .execute(cx.conn())
            .await
            .unwrap();
        cx.commit().await.unwrap();
        id
    }

    fn pick(&self, n: usize) -> usize {
        usize::try_from(self.dice.between(0, i64::try_from(n).unwrap() - 1)).unwrap()
    }

    async fn enqueue(&mut self) {
        let t = u8::try_from(self.dice.between(1, 3)).unwrap();
        let later = self.dice.between(0, 3) == 0;
        let mut cx = self.bed.tenant(tenant(t)).await;
        let at = cx.now().plus_s(if later { 60 } else { 0 });
        let id = enqueue_with(&mut cx, &Note("x".into()), Options { at: Some(at), ..Options::default() })
            .await
            .unwrap();
        cx.commit().await.unwrap();
        self.model.live.insert(id, (if later { Live::Scheduled } else { Live::Ready }, 0, t));
    }

    async fn claim(&mut self) {
        let at = self.pick(self.nodes.len());
        let mut cx = self.bed.system().await;
        let now = cx.now();
        let wanted = i32::try_from(self.dice.between(1, 5)).unwrap();
        let batch =
            store::claim(cx.conn(), self.nodes[at], wanted, &mut Turn::default(), None, now).await.unwrap();
        cx.commit().await.unwrap();
        let halted = self.model.halt.map(|h| h.1);
        let eligible =
            self.model.live.values().filter(|(s, _, t)| *s == Live::Ready && Some(*t) != halted).count();
        let idle = eligible == 0 || self.dead.contains(&at);
        assert_eq!(batch.jobs.is_empty(), idle, "claims if there is work, and only when alive");
        for job in batch.jobs {
            let entry = self.model.live.get_mut(&job.id).expect("claimed a job that lives");
            assert_eq!(entry.0, Live::Ready, "claimed a ready job");
            assert_ne!(Some(entry.2), halted, "claimed a halted job");
            *entry = (Live::Running(at), entry.1 + 1, entry.2);
            assert_eq!(job.attempt, entry.1);
            self.model.held.push((at, job));
        }
    }

    /// Whether the model says that a remembered claim still holds.
    fn holds(&self, at: usize, job: &store::Claimed) -> bool {
        self.model.live.get(&job.id).is_some_and(|e| e.0 == Live::Running(at) && e.1 == job.attempt)
    }

    async fn answer(&mut self) {
        if self.model.held.is_empty() {
            return;
        }
        let (at, job) = {
            let n = self.pick(self.model.held.len());
            // Sometimes the claim stays remembered, so that a second answer comes later.
            if self.dice.between(0, 3) == 0 {
                self.model.held[n].clone()
            } else {
                self.model.held.swap_remove(n)
            }
        };
        let holds = self.holds(at, &job);
        let mut cx = self.bed.system().await;
        let now = cx.now();
        let kind = self.dice.between(0, 3);
        let did = match kind {
            0 => {
                let error = Some("away".to_owned());
                let again = Again { id: job.id, attempt: job.attempt, at: now.plus_s(60), error };
                store::again(cx.conn(), self.nodes[at], &[again]).await.unwrap() == 1
            }
            1 => store::give_back(cx.conn(), self.nodes[at], &[(job.id, job.attempt)]).await.unwrap() == 1,
            _ => {
                let end = End { id: job.id, attempt: job.attempt, outcome: Outcome::Succeeded, error: None };
                store::end(cx.conn(), self.nodes[at], &[end], now).await.unwrap().len() == 1
            }
        };
        cx.commit().await.unwrap();
        assert_eq!(did, holds, "an answer counts only from the holder");
        if holds {
            match kind {
                0 => self.model.live.get_mut(&job.id).unwrap().0 = Live::Scheduled,
                1 => self.model.live.get_mut(&job.id).unwrap().0 = Live::Ready,
                _ => {
                    self.model.live.remove(&job.id);
                    self.model.done.insert(job.id, Outcome::Succeeded);
                }
            }
        }
    }

    async fn lose_a_node(&mut self) {
        let at = self.pick(self.nodes.len());
        let mut cx = self.bed.system().await;
        sqlx::query("delete from jobs.node where id = $1")
            .bind(self.nodes[at].uuid())
            .execute(cx.conn())
            .await
            .unwrap();
        due::reap(&mut cx, 3_600).await.unwrap();
        cx.commit().await.unwrap();
        for entry in self.model.live.values_mut().filter(|e| e.0 == Live::Running(at)) {
            entry.0 = Live::Ready;
        }
        self.dead.insert(at);
        // Its memory of claims stays under its old number; a fresh node takes a fresh one.
        self.nodes.push(Self::fresh_node(&self.bed).await);
    }

    async fn cancel(&mut self) {
        let waiting: Vec<JobId> = self
            .model
            .live
            .iter()
            .filter(|(_, e)| !matches!(e.0, Live::Running(_)))
            .map(|(id, _)| *id)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let id = waiting[self.pick(waiting.len())];
        let mut cx = self.bed.system().await;
        control::cancel(&mut cx, id, "model").await.unwrap();
        cx.commit().await.unwrap();
        self.model.live.remove(&id);
        self.model.done.insert(id, Outcome::Cancelled);
    }

    async fn revive(&mut self) {
        let gone: Vec<JobId> =
            self.model.done.iter().filter(|d| *d.1 == Outcome::Cancelled).map(|d| *d.0).collect();
        if gone.is_empty() {
            return;
        }
        let id = gone[self.pick(gone.len())];
        let mut cx = self.bed.system().await;
        control::retry(&mut cx, id).await.unwrap();
        let attempt: i32 = sqlx::query_scalar("select attempt from jobs.job where id = $1")
            .bind(id.uuid())
            .fetch_one(cx.conn())
            .await
            .unwrap();
        let t: uuid::Uuid = sqlx::query_scalar("select lane from jobs.job where id = $1")
            .bind(id.uuid())
            .fetch_one(cx.conn())
            .await
            .unwrap();
        cx.commit().await.unwrap();
        self.model.done.remove(&id);
        self.model.live.insert(id, (Live::Ready, attempt, t.as_bytes()[0]));
    }

    async fn toggle_halt(&mut self) {
        let mut cx = self.bed.system().await;
        match self.model.halt.take() {
            Some((id, _)) => control::resume(&mut cx, id).await.unwrap(),
            None => {
                let t = u8::try_from(self.dice.between(1, 3)).unwrap();
                let halt = Halt { tenant: Some(tenant(t).uuid()), reason: "model".into(), ..Halt::default() };
                self.model.halt = Some((control::halt(&mut cx, halt).await.unwrap(), t));
            }
        }
        cx.commit().await.unwrap();
    }

    async fn pass_time(&mut self) {
        self.bed.clock.advance_s(61);
        let mut cx = self.bed.system().await;
        due::promote(&mut cx).await.unwrap();
        cx.commit().await.unwrap();
        for entry in self.model.live.values_mut().filter(|e| e.0 == Live::Scheduled) {
            entry.0 = Live::Ready;
        }
    }

    async fn compare(&self) {
        let mut cx = self.bed.system().await;
        let rows: Vec<(uuid::Uuid, String, i32, Option<uuid::Uuid>)> =
            sqlx::query_as("select id, state::text, attempt, node from jobs.job order by id")
                .fetch_all(cx.conn())
                .await
                .unwrap();
        let real: Vec<_> =
            rows.into_iter().map(|(id, state, attempt, node)| (JobId(id), state, attempt, node)).collect();
        let model: Vec<_> = self
            .model
            .live
            .iter()
            .map(|(id, (state, attempt, _))| match state {
                Live::Scheduled => (*id, "scheduled".to_owned(), *attempt, None),
                Live::Ready => (*id, "ready".to_owned(), *attempt, None),
                Live::Running(at) => (*id, "running".to_owned(), *attempt, Some(self.nodes[*at].uuid())),
            })
            .collect();
        assert_eq!(real, model);
        let done: Vec<(uuid::Uuid, String)> =
            sqlx::query_as("select id, outcome::text from jobs.job_done order by id")
                .fetch_all(cx.conn())
                .await
                .unwrap();
        let model: Vec<_> = self.model.done.iter().map(|(id, o)| (id.uuid(), o.word().to_owned())).collect();
        assert_eq!(done, model);
    }
}

#[tokio::test]
async fn random_interleavings_agree_with_the_model() {
    for seed in 0..4 {
        let bed = Bed::virtual_seeded(seed).await;
        let nodes = vec![World::fresh_node(&bed).await, World::fresh_node(&bed).await];
        let mut world = World {
            bed,
            model: Model::default(),
            nodes,
            dead: Default::default(),
            dice: Random::seeded(seed * 31 + 7),
        };
        for _ in 0..150 {
            match world.dice.between(0, 15) {
                0..=3 => world.enqueue().await,
                4..=7 => world.claim().await,
                8..=11 => world.answer().await,
                12 => world.cancel().await,
                13 => world.lose_a_node().await,
                14 => world.pass_time().await,
                _ if world.dice.between(0, 1) == 0 => world.toggle_halt().await,
                _ => world.revive().await,
            }
            world.compare().await;
        }
        assert!(!world.model.done.is_empty());
    }
}
