//! Organisations and people to act as, written by SQL so that no test depends on sign-up.

use crate::TestDb;
use base::{Actor, Role, TenantId, Time, UserId};

/// The roles of members, for calls such as `db.member(&tenant, role::VIEWER)`.
pub mod role {
    use base::Role;
    /// Reads everything, changes nothing.
    pub const VIEWER: Role = Role::Viewer;
    /// Works with leads, campaigns, replies and approvals.
    pub const MEMBER: Role = Role::Member;
    /// Also settings, team, switches and budgets.
    pub const ADMIN: Role = Role::Admin;
    /// Everything in the organisation.
    pub const OWNER: Role = Role::Owner;
}

/// A member of an organisation.
#[derive(Clone, Debug)]
pub struct Member {
    /// The organisation.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// The person.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// The person's address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they run the installation.
    pub platform: bool,
}

impl Member {
    /// Who acts, as recorded.
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.user }
    }
}

/// An organisation with its owner.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Member,
}

impl TestDb {
    /// An organisation in Sydney that may send: with an owner, an offer and a postal address.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let mut cx = self.system().await;
        let id: TenantId = cx.id();
        let now = cx.now();
        sqlx::query!(
            "insert into accounts.tenant (id, name, status, legal_name, postal_address, website, offer, onboarded_at, created_at, updated_at)
             values ($1, $2, 'active', $2, '1 George Street, Sydney NSW 2000', 'https://example.com', 'Bookkeeping for builders', $3, $3, $3)",
            id.uuid(),
            name,
            now as Time,
        )
        .execute(cx.conn())
        .await
        .expect("a tenant is added");
        cx.commit().await.expect("a commit");
        let owner = self.member_of(id, name, Role::Owner).await;
        Tenant { id, name: name.to_owned(), owner }
    }

    /// Two organisations that must never see each other's rows.
    pub async fn two_tenants(&self) -> (Tenant, Tenant) {
        (self.tenant("Anchor Agency").await, self.tenant("Beacon Agency").await)
    }

    /// One more member of an organisation.
    pub async fn member(&self, tenant: &Tenant, role: Role) -> Member {
        self.member_of(tenant.id, &tenant.name, role).await
    }

    async fn member_of(&self, tenant: TenantId, tenant_name: &str, role: Role) -> Member {
        let mut cx = self.system().await;
        let user: UserId = cx.id();
        let membership: uuid::Uuid = cx.id();
        let now = cx.now();
        let name = format!("{} of {tenant_name}", role.word());
        let email = format!("{}-{}@example.com", role.word(), user.uuid().simple());
        sqlx::query!(
            "insert into accounts.person (id, email, name, email_verified_at, created_at, updated_at) values ($1, $2, $3, $4, $4, $4)",
            user.uuid(),
            email,
            name,
            now as Time,
        )
        .execute(cx.conn())
        .await
        .expect("a person is added");
        sqlx::query!(
            "insert into accounts.membership (id, tenant_id, person_id, role, created_at)
             values ($1, $2, $3, $4::text::accounts.role, $5)",
            membership,
            tenant.uuid(),
            user.uuid(),
            role.word(),
            now as Time,
        )
        .execute(cx.conn())
        .await
        .expect("a membership is added");
        cx.commit().await.expect("a commit");
        Member { tenant, tenant_name: tenant_name.to_owned(), user, name, email, role, platform: false }
    }
}
