use mail::Wall;

use super::*;
use crate::testing::{World, account, address, key, tox_id};

fn anna() -> Account {
    let addresses = vec![address("anna@Example.org")];
    Account { name: account("anna"), owner: true, addresses, created: Wall(0) }
}

#[test]
fn an_account_has_its_tox_id_its_key_its_name_and_its_names_in_dns() {
    let own: Vec<String> = of(&anna(), Some(tox_id("anna"))).iter().map(ToString::to_string).collect();
    let (id, key) = (tox_id("anna").to_string().to_lowercase(), key("anna").to_string().to_lowercase());
    let expected = [format!("{id}@tox"), format!("{key}@tox"), "anna@tox".into(), "anna@example.org".into()];
    assert_eq!(own, expected);
}

#[test]
fn owning_ignores_case_nospam_and_the_dotted_twin() {
    let own_key = Some(key("anna"));
    let other_nospam = ToxId { nospam: mail::Nospam([1; 4]), ..tox_id("anna") };
    for own in ["anna@tox", "ANNA@tox.internal", "anna@example.org"].map(str::to_owned).into_iter().chain([
        format!("{}@tox", tox_id("anna")),
        format!("{other_nospam}@tox.internal"),
        format!("{}@tox", key("anna")),
    ]) {
        assert!(owns(&anna(), own_key, &address(&own)), "{own}");
    }
    for other in ["ben@tox", "anna@example.com", "Anna@example.org"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{}@tox", tox_id("ben")), format!("{}@example.org", key("anna"))])
    {
        assert!(!owns(&anna(), own_key, &address(&other)), "{other}");
    }
    assert!(!owns(&anna(), None, &address(&format!("{}@tox", key("anna")))));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_reverse_path_is_refused_with_the_right_ones_named() {
    let world = World::new(1, &[&["anna", "ben"]]).await;
    let gateway = world.gateway(0).unwrap();
    let begin =
        |reverse_path| gateway.begin(&account("anna"), reverse_path, None, mail::Return::Headers, None);
    assert!(begin(ReversePath::Null).is_ok());
    assert!(begin(ReversePath::Mailbox(address("anna@tox.internal"))).is_ok());
    let refusal = begin(ReversePath::Mailbox(address("ben@tox"))).err().unwrap();
    assert_eq!(refusal.status.to_string(), "5.7.1");
    assert!(refusal.text().contains("anna@tox"), "{refusal}");
    assert!(refusal.text().contains(&format!("{}@tox", tox_id("anna").to_string().to_lowercase())));
}
