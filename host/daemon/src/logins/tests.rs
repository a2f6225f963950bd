use std::net::IpAddr;

use clock::ManualClock;
use listener::testing::soon;
use mail::record::Account;
use zeroize::Zeroizing;

use super::*;
use crate::limits::{LOGIN_DELAY, LOGIN_FAILURES_BEFORE_DELAY, LOGIN_FAILURES_PER_ACCOUNT, LOGIN_WINDOW};
use crate::passwords;
use net::{NetworkSettings, ToxNetwork};

/// Logins of the accounts anna (with a chosen password) and ben (with a generated one).
struct World {
    logins: Logins,
    store: Store,
    clock: Arc<ManualClock>,
    bens: Zeroizing<String>,
    _directory: tempfile::TempDir,
}

const ANNAS: &str = "caf\u{e9} noir";

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let options = store::OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let store = Store::open(directory.path(), options).unwrap();
        let settings = NetworkSettings {
            ports: tox::PortRange::default(),
            nodes: Vec::new(),
            udp: false,
            proxy: tox::Proxy::None,
            port: None,
            tcp_port: None,
        };
        let network =
            ToxNetwork::new(settings, Arc::new(store.clone()), Arc::clone(&clock) as Arc<dyn Clock>);
        let (passwords, file) = (Arc::new(Passwords::new()), directory.path().join("password"));
        let bens = passwords::generate().unwrap();
        let hash = passwords.hash_chosen(ANNAS).await.unwrap();
        let clock_of = Arc::clone(&clock) as Arc<dyn Clock>;
        let logins = Logins::new(store.clone(), network, passwords, file, clock_of).unwrap();
        let world = Self { logins, store, clock, bens, _directory: directory };
        world.add("anna", true, hash).await;
        world.add("ben", false, passwords::hash_generated(&world.bens).unwrap()).await;
        world
    }

    async fn add(&self, name: &str, owner: bool, hash: String) {
        let addresses = if owner { vec!["anna@example.org".parse().unwrap()] } else { Vec::new() };
        let account =
            Account { id: 0, name: name.parse().unwrap(), owner, addresses, created: mail::Wall(0) };
        self.store.create_account(account, None, hash).await.unwrap();
    }

    async fn login(&self, login: &str, password: &str, from: &str) -> Checked {
        self.login_as(None, login, password, from).await
    }

    async fn login_as(&self, acts_as: Option<&str>, login: &str, password: &str, from: &str) -> Checked {
        let password = Zeroizing::new(password.to_owned());
        let credentials = Credentials {
            acts_as: acts_as.map(str::to_owned),
            ..Credentials::new(login.to_owned(), password)
        };
        let source: IpAddr = from.parse().unwrap();
        self.logins.check(&credentials, source).await.unwrap()
    }
}

fn name(checked: &Checked) -> Option<&str> {
    match checked {
        Checked::LoggedIn(login) => Some(login.account.as_str()),
        _ => None,
    }
}

const HOME: &str = "198.51.100.1";
const ELSEWHERE: &str = "203.0.113.9";

#[tokio::test]
async fn an_account_logs_in_under_each_of_its_names() {
    let world = World::new().await;
    for login in [
        "anna",
        "Anna",
        "ANNA@tox",
        "anna@tox.internal",
        "anna+shop@tox",
        "anna+shop",
        "anna@example.org",
        "anna@EXAMPLE.org",
    ] {
        assert_eq!(name(&world.login(login, ANNAS, HOME).await), Some("anna"), "{login}");
    }
    for login in ["ann", "anna@example.com", "", "@", "anna anna", "anna\u{0}", "+anna", "carla"] {
        assert_eq!(world.login(login, ANNAS, HOME).await, Checked::Wrong, "{login:?}");
    }
}

#[tokio::test]
async fn an_authorization_identity_may_be_any_spelling_of_the_account_that_logs_in() {
    let world = World::new().await;
    for acts_as in ["anna", "Anna", "anna@tox", "ANNA@TOX.internal", "anna+shop@tox", "anna@example.org"] {
        for login in ["anna", "Anna@tox"] {
            let checked = world.login_as(Some(acts_as), login, ANNAS, HOME).await;
            assert_eq!(name(&checked), Some("anna"), "{acts_as} by {login}");
        }
    }
    for acts_as in ["ben", "ben@tox", "carla", "root", " ", "ben@example.org"] {
        let checked = world.login_as(Some(acts_as), "anna", ANNAS, HOME).await;
        assert_eq!(checked, Checked::OtherIdentity, "{acts_as}");
    }
    // Without the password nobody learns whose identity is whose.
    assert_eq!(world.login_as(Some("ben"), "anna", "wrong one", HOME).await, Checked::Wrong);
}

#[tokio::test]
async fn guesses_count_for_the_account_however_its_name_is_spelt() {
    let world = World::new().await;
    let spellings = ["anna", "ANNA", "anna@tox", "Anna@tox.internal", "anna@example.org", "anna+x@tox"];
    for number in 0..LOGIN_FAILURES_PER_ACCOUNT {
        let login = spellings[number % spellings.len()];
        assert_eq!(world.login(login, &format!("guess {number}"), ELSEWHERE).await, Checked::Wrong);
    }
    for login in spellings {
        assert_eq!(world.login(login, ANNAS, ELSEWHERE).await, Checked::Later(LOGIN_WINDOW), "{login}");
    }
    // The owner, from anywhere else, is not held up; nor are others from there.
    assert_eq!(name(&world.login("anna", ANNAS, HOME).await), Some("anna"));
    assert_eq!(name(&world.login("ben", &world.bens, ELSEWHERE).await), Some("ben"));
    world.clock.advance(LOGIN_WINDOW);
    assert_eq!(name(&world.login("anna", ANNAS, ELSEWHERE).await), Some("anna"));
}

#[tokio::test]
async fn a_name_that_nobody_has_is_answered_like_one_that_somebody_has() {
    let world = World::new().await;
    let spellings = ["carla", "CARLA@tox", "carla@tox.internal", "Carla+x"];
    for number in 0..LOGIN_FAILURES_PER_ACCOUNT {
        let login = spellings[number % spellings.len()];
        assert_eq!(world.login(login, &format!("guess {number}"), ELSEWHERE).await, Checked::Wrong);
    }
    assert!(matches!(world.login("carla", "again", ELSEWHERE).await, Checked::Later(_)));
}

#[tokio::test]
async fn many_guesses_at_once_get_no_further_than_many_in_a_row() {
    let world = World::new().await;
    let guesses = (0..40).map(|number| {
        let (world, password) = (&world, format!("guess {number}"));
        async move { world.login("anna", &password, ELSEWHERE).await }
    });
    let answers = futures::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| **answer == Checked::Wrong).count();
    // Two are computed at a time.
    assert!((LOGIN_FAILURES_PER_ACCOUNT..LOGIN_FAILURES_PER_ACCOUNT + 2).contains(&looked_at), "{looked_at}");
}

#[tokio::test]
async fn whoever_has_a_generated_password_is_never_kept_out() {
    let world = World::new().await;
    for number in 0..LOGIN_FAILURES_PER_ACCOUNT * 2 {
        world.login("ben", &format!("guess {number}"), HOME).await;
    }
    assert!(matches!(world.login("ben", "another guess", HOME).await, Checked::Later(_)));
    assert_eq!(name(&world.login("ben", &world.bens, HOME).await), Some("ben"));
}

#[tokio::test]
async fn an_account_that_many_places_try_is_slow_elsewhere_and_as_ever_at_home() {
    let world = World::new().await;
    assert_eq!(name(&world.login("anna", ANNAS, HOME).await), Some("anna"));
    for number in 0..LOGIN_FAILURES_BEFORE_DELAY {
        world.login("anna", &format!("guess {number}"), &format!("192.0.2.{number}")).await;
    }
    // No time passes, and this one is through.
    assert_eq!(name(&soon(world.login("anna", ANNAS, HOME)).await), Some("anna"));
    let elsewhere = world.login("anna", ANNAS, ELSEWHERE);
    tokio::pin!(elsewhere);
    let waited = async {
        loop {
            if let std::task::Poll::Ready(checked) = futures::poll!(&mut elsewhere) {
                return checked;
            }
            world.clock.advance(LOGIN_DELAY / 1000);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert_eq!(name(&soon(waited).await), Some("anna"));
    assert!(world.clock.monotonic().0 >= LOGIN_DELAY);
}

#[tokio::test]
async fn a_login_ends_with_its_account_and_with_its_password() {
    let world = World::new().await;
    let ben: AccountName = "ben".parse().unwrap();
    let Checked::LoggedIn(login) = world.login("ben", &world.bens, HOME).await else { panic!("ben's") };
    assert!(world.logins.is_current(&login));
    world.store.set_disabled(&ben, true).await.unwrap();
    assert!(!world.logins.is_current(&login));
    assert_eq!(world.login("ben", &world.bens, HOME).await, Checked::Wrong);
    world.store.set_disabled(&ben, false).await.unwrap();
    assert!(!world.logins.is_current(&login));
    let Checked::LoggedIn(login) = world.login("ben", &world.bens, HOME).await else { panic!("ben's") };
    world.store.remove_account(&ben).await.unwrap();
    world.add("ben", false, passwords::hash_generated(&world.bens).unwrap()).await;
    assert!(!world.logins.is_current(&login));
    let Checked::LoggedIn(next) = world.login("ben", &world.bens, HOME).await else { panic!("ben's") };
    assert_ne!(next.standing.id, login.standing.id);
}

#[tokio::test]
async fn the_postmaster_logs_in_as_the_owner() {
    let world = World::new().await;
    for login in ["postmaster", "Postmaster", "POSTMASTER@tox"] {
        assert_eq!(name(&world.login(login, ANNAS, HOME).await), Some("anna"), "{login}");
        assert_eq!(world.login(login, &world.bens, HOME).await, Checked::Wrong, "{login}");
    }
}

#[tokio::test]
async fn a_hash_of_the_raw_bytes_is_made_anew_at_the_next_login_which_goes_on_to_hold() {
    let world = World::new().await;
    let typed = "cafe\u{301} noir";
    // As version 0.1.0 made it.
    let old = {
        use argon2::password_hash::PasswordHasher as _;
        argon2::Argon2::default().hash_password(typed.as_bytes()).unwrap().to_string()
    };
    let anna: AccountName = "anna".parse().unwrap();
    world.store.set_credential(&anna, old.clone()).await.unwrap();
    assert_eq!(world.login("anna", ANNAS, HOME).await, Checked::Wrong);
    let Checked::LoggedIn(login) = world.login("anna", typed, HOME).await else { panic!("the same bytes") };
    assert_ne!(world.store.credential(&anna).await.unwrap(), Some(old));
    assert!(world.logins.is_current(&login));
    for spelling in [typed, ANNAS] {
        assert_eq!(name(&world.login("anna", spelling, HOME).await), Some("anna"));
    }
}

#[tokio::test]
async fn where_the_password_is_stays_on_the_machine() {
    let world = World::new().await;
    for near in ["127.0.0.1", "127.9.9.9", "::1"] {
        assert!(world.logins.hint(near.parse().unwrap()).contains("password is in /"), "{near}");
    }
    for far in ["192.168.1.7", "2001:db8::1", "::ffff:192.0.2.1"] {
        let hint = world.logins.hint(far.parse().unwrap());
        assert!(hint.contains("ask who runs this gateway") && !hint.contains('/'), "{hint}");
    }
}
