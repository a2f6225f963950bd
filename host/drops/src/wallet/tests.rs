use proptest::prelude::*;

use crate::limits::TOKEN_REST;

use super::*;

const BOARD: BoardKey = PublicKey([9; 32]);
const OWN: PurseKey = (Source::Own, BOARD);
const BEN: PublicKey = PublicKey([2; 32]);
const BENS: PurseKey = (Source::Contact(BEN), BOARD);

fn token(period: u32, number: u32) -> Token {
    let mut random = [0; 32];
    random[..4].copy_from_slice(&number.to_le_bytes());
    Token { period: Period(period), random, output: [0; 64] }
}

#[test]
fn issued_tokens_rest_a_day_and_end_with_the_next_period() {
    let start = Period(2_950).begin();
    let mut wallet = Wallet::default();
    wallet.issued(BOARD, vec![token(2_950, 1), token(2_950, 2)], TOKEN_REST, start);
    assert!(wallet.take(&OWN, 9, start.plus(TOKEN_REST - Duration::from_secs(1))).is_empty());
    assert_eq!(wallet.take(&OWN, 1, start.plus(TOKEN_REST)).len(), 1);
    assert!(
        wallet.take(&(Source::Own, PublicKey([8; 32])), 1, start.plus(TOKEN_REST)).is_empty(),
        "another board's"
    );
    assert_eq!(wallet.count(&OWN, start), 1);
    assert_eq!(wallet.count(&OWN, Period(2_952).begin()), 0);
    assert!(wallet.take(&OWN, 1, Period(2_952).begin()).is_empty());
    assert_eq!(wallet.expire(Period(2_960).begin()), [OWN]);
    assert_eq!(wallet.purse(&OWN), None);
}

#[test]
fn tokens_of_ones_own_board_and_passed_on_ones_need_no_rest_and_the_older_go_first() {
    let start = Period(2_950).begin();
    let mut wallet = Wallet::default();
    wallet.issued(BOARD, vec![token(2_950, 1), token(2_949, 2)], Duration::ZERO, start);
    let first = wallet.take(&OWN, 1, start);
    assert_eq!(first[0].period, Period(2_949));
    assert!(wallet.passed_on(BEN, BOARD, vec![token(2_950, 3)], start));
    assert_eq!(wallet.take(&BENS, 5, start).len(), 1);
}

#[test]
fn a_record_that_repeats_tokens_adds_none_that_were_spent() {
    let now = Period(2_950).begin();
    let mut wallet = Wallet::default();
    let passed = vec![token(2_950, 1), token(2_950, 2)];
    assert!(wallet.passed_on(BEN, BOARD, passed.clone(), now));
    assert!(!wallet.passed_on(BEN, BOARD, passed.clone(), now));
    let taken = wallet.take(&BENS, 1, now);
    assert!(!wallet.passed_on(BEN, BOARD, passed.clone(), now));
    // Also after a restart.
    let kept = wallet.purse(&BENS).unwrap();
    let mut again = Wallet::default();
    again.restore(BENS, &kept).unwrap();
    assert!(!again.passed_on(BEN, BOARD, passed, now));
    assert_eq!(again.count(&BENS, now), 1);
    again.put_back(&BENS, taken.clone(), now);
    again.put_back(&BENS, taken, now);
    assert_eq!(again.count(&BENS, now), 2, "once");
}

#[test]
fn a_wallet_is_bounded() {
    let now = Period(2_950).begin();
    let mut wallet = Wallet::default();
    wallet.issued(BOARD, (0..3_000).map(|number| token(2_950, number)).collect(), TOKEN_REST, now);
    assert_eq!(wallet.count(&OWN, now), WALLET_TOKENS);
    for board in 0..40 {
        let board = PublicKey([board; 32]);
        wallet.passed_on(BEN, board, (0..3_000).map(|number| token(2_950, number)).collect(), now);
    }
    let of_ben: Vec<&Purse> = wallet
        .purses
        .iter()
        .filter(|((source, _), _)| *source != Source::Own)
        .map(|(_, purse)| purse)
        .collect();
    assert_eq!(of_ben.len(), CONTACT_PURSES);
    assert!(of_ben.iter().all(|purse| purse.held.len() == CONTACT_TOKENS));
    // Who spends and spends within one period comes to the bound of what is remembered.
    let mut number = 10_000;
    for _ in 0..100 {
        wallet.take(&BENS, CONTACT_TOKENS, now);
        wallet.passed_on(BEN, BOARD, (number..number + 64).map(|number| token(2_950, number)).collect(), now);
        number += 64;
    }
    assert!(
        wallet.purses.get(&BENS).is_none_or(|purse| purse.spent.len() + purse.held.len() <= SPENT_TOKENS)
    );
}

proptest! {
    #[test]
    fn a_purse_survives_its_bytes(held: Vec<(u64, u32)>, spent: Vec<(u32, u32)>) {
        let purse = Purse {
            held: held.into_iter().map(|(from, number)| (Wall(from), token(7, number))).collect(),
            spent: spent.into_iter().map(|(period, number)| (Period(period), token(0, number).random)).collect(),
        };
        prop_assert_eq!(Purse::decode(&purse.encode()), Ok(purse));
    }

    #[test]
    fn damaged_purses_are_refused_or_read(bytes: Vec<u8>) {
        let mut wallet = Wallet::default();
        let _either = wallet.restore(OWN, &bytes);
    }
}
