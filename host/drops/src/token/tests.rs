use mail::PublicKey;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const BOARD: BoardKey = PublicKey([9; 32]);
const PERIOD: Period = Period(2_900);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn issue(key: &IssuingKey, count: usize) -> Vec<Token> {
    let mut rng = rng();
    let request = TokenRequest::new(&BOARD, PERIOD, count, &mut rng).unwrap();
    let (evaluated, proof) = key.issue(&mut rng, request.blinded()).unwrap();
    request.finish(&evaluated, &proof, &key.public()).unwrap()
}

#[test]
fn issued_tokens_are_good_once_kept_and_read_again() {
    let key = Issuer::new(&[7; 32]).key(PERIOD).unwrap();
    let tokens = issue(&key, ISSUE_TOKENS);
    assert_eq!(tokens.len(), ISSUE_TOKENS);
    let kept = IssuingKey::from_bytes(PERIOD, &key.to_bytes()).unwrap();
    assert_eq!(kept.public(), key.public());
    for token in &tokens {
        assert!(kept.verify(&BOARD, &Token::from_bytes(&token.to_bytes())));
    }
    let marks: std::collections::HashSet<_> = tokens.iter().map(|token| token.mark(&BOARD)).collect();
    assert_eq!(marks.len(), ISSUE_TOKENS);
}

#[test]
fn forged_or_moved_tokens_are_not() {
    let key = Issuer::new(&[7; 32]).key(PERIOD).unwrap();
    let token = issue(&key, 1).remove(0);
    let mut output = token.clone();
    output.output[0] ^= 1;
    let mut random = token.clone();
    random.random[0] ^= 1;
    let mut period = token.clone();
    period.period = PERIOD.next();
    for forged in [output, random, period] {
        assert!(!key.verify(&BOARD, &forged));
    }
    assert!(!key.verify(&PublicKey([8; 32]), &token), "of another board");
    let next = IssuingKey::from_seed(PERIOD, &[1; 32]).unwrap();
    assert!(!next.verify(&BOARD, &token), "of another key");
}

#[test]
fn a_board_that_uses_another_key_than_it_published_is_caught() {
    let (published, secret) =
        (Issuer::new(&[7; 32]).key(PERIOD).unwrap(), IssuingKey::from_seed(PERIOD, &[1; 32]).unwrap());
    let request = TokenRequest::new(&BOARD, PERIOD, 2, &mut rng()).unwrap();
    let (evaluated, proof) = secret.issue(&mut rng(), request.blinded()).unwrap();
    assert_eq!(request.finish(&evaluated, &proof, &published.public()), Err(TokenError::Proof));
}

#[test]
fn damaged_requests_and_answers_are_refused() {
    let key = Issuer::new(&[7; 32]).key(PERIOD).unwrap();
    assert_eq!(key.issue(&mut rng(), &[]), Err(TokenError::Count));
    assert_eq!(key.issue(&mut rng(), &vec![[0; 32]; ISSUE_TOKENS + 1]), Err(TokenError::Count));
    // All zero is the identity, all ones is no element at all.
    assert_eq!(key.issue(&mut rng(), &[[0; 32]]), Err(TokenError::Element));
    assert_eq!(key.issue(&mut rng(), &[[255; 32]]), Err(TokenError::Element));
    assert_eq!(TokenRequest::new(&BOARD, PERIOD, 0, &mut rng()).unwrap_err(), TokenError::Count);

    let answer = |change: &dyn Fn(&mut Vec<Element>, &mut ProofBytes)| {
        let request = TokenRequest::new(&BOARD, PERIOD, 2, &mut rng()).unwrap();
        let (mut evaluated, mut proof) = key.issue(&mut rng(), request.blinded()).unwrap();
        change(&mut evaluated, &mut proof);
        request.finish(&evaluated, &proof, &key.public()).unwrap_err()
    };
    assert_eq!(answer(&|evaluated, _| evaluated.truncate(1)), TokenError::Number);
    assert_eq!(answer(&|evaluated, _| evaluated[0] = [255; 32]), TokenError::Element);
    assert_eq!(answer(&|evaluated, _| evaluated.swap(0, 1)), TokenError::Proof);
    assert_eq!(answer(&|_, proof| *proof = [255; 64]), TokenError::Proof);
}

#[test]
fn a_key_is_trusted_after_two_throwaways_saw_it_on_two_days() {
    let mut sightings = Sightings::default();
    let key = [1; 32];
    sightings.saw(PERIOD, key, 1, 10).unwrap();
    sightings.saw(PERIOD, key, 1, 11).unwrap();
    sightings.saw(PERIOD, key, 2, 10).unwrap();
    assert_eq!(sightings.trusted(PERIOD), None, "another throwaway, or another day, is not both");
    sightings.saw(PERIOD, key, 2, 11).unwrap();
    assert_eq!(sightings.trusted(PERIOD), Some(key));
    assert_eq!(sightings.trusted(PERIOD.next()), None);
}

#[test]
fn a_key_that_differs_is_never_trusted_again() {
    let mut sightings = Sightings::default();
    sightings.saw(PERIOD, [1; 32], 1, 10).unwrap();
    sightings.saw(PERIOD, [1; 32], 2, 11).unwrap();
    assert_eq!(sightings.saw(PERIOD, [2; 32], 3, 12), Err(KeyDiffers));
    assert_eq!(sightings.trusted(PERIOD), None);
    assert_eq!(sightings.saw(PERIOD, [1; 32], 4, 13), Err(KeyDiffers));
    assert_eq!(sightings.trusted(PERIOD), None);
}

#[test]
fn sightings_are_bounded() {
    let mut sightings = Sightings::default();
    for period in 0..1000 {
        sightings.saw(Period(period), [1; 32], 1, 10).unwrap();
    }
    assert!(sightings.seen.len() <= 4);
}

#[test]
fn sightings_outlive_the_program_and_a_later_run_confirms() {
    let mut sightings = Sightings::default();
    sightings.saw(PERIOD, [1; 32], 1, 10).unwrap();
    let mut again = Sightings::from_bytes(&sightings.to_bytes()).unwrap();
    assert_eq!(again.trusted(PERIOD), None);
    assert_eq!(again.saw(PERIOD, [2; 32], 2, 1), Err(KeyDiffers), "a lie is noticed over a restart");
    let mut again = Sightings::from_bytes(&sightings.to_bytes()).unwrap();
    // Numbers of throwaways begin anew with each run.
    again.saw(PERIOD, [1; 32], 2, 10).unwrap();
    assert_eq!(again.trusted(PERIOD), Some([1; 32]));
    let confirmed = Sightings::from_bytes(&again.to_bytes()).unwrap();
    assert_eq!(confirmed.trusted(PERIOD), Some([1; 32]));
    assert!(Sightings::from_bytes(&[9, 0]).is_none() && Sightings::from_bytes(&[1, 5]).is_none());
}
