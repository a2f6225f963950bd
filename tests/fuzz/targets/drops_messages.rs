#![no_main]
//! Messages of drop relays, parcels, mailbox records, kept tokens and keys: what is read is written as the same.

use bytes::Bytes;
use drops::message::{Answer, Request};
use drops::parcel::Parcel;
use drops::record::MailboxRecord;
use drops::token::Sightings;
use drops::wallet::{Source, Wallet};
use libfuzzer_sys::fuzz_target;
use mail::PublicKey;

fuzz_target!(|bytes: &[u8]| {
    let message = Bytes::copy_from_slice(bytes);
    let (id, request) = Request::decode(&message);
    if let Ok(request) = request {
        let (id_again, again) = Request::decode(&Bytes::from(request.encode(id)));
        assert_eq!(id_again, id);
        assert_eq!(again.expect("what we wrote"), request);
    }
    if let Ok((id, answer)) = Answer::decode(&message) {
        let (id_again, again) = Answer::decode(&Bytes::from(answer.encode(id))).expect("what we wrote");
        assert_eq!(id_again, id);
        assert_eq!(again, answer);
    }
    if let Ok(parcel) = Parcel::decode(bytes) {
        assert_eq!(Parcel::decode(&parcel.encode().expect("it fitted")).as_ref(), Ok(&parcel));
    }
    if let Ok(record) = MailboxRecord::decode(bytes) {
        let written = record.encode().expect("what was read can be written");
        assert_eq!(MailboxRecord::decode(&written).as_ref(), Ok(&record));
    }
    if let Some(sightings) = Sightings::from_bytes(bytes) {
        let written = sightings.to_bytes();
        assert_eq!(Sightings::from_bytes(&written).expect("what we wrote").to_bytes(), written);
    }
    let (mut wallet, key) = (Wallet::default(), (Source::Own, PublicKey([0; 32])));
    if wallet.restore(key, bytes).is_ok()
        && let Some(written) = wallet.purse(&key)
    {
        let mut again = Wallet::default();
        again.restore(key, &written).expect("what we wrote");
        assert_eq!(again.purse(&key), Some(written));
    }
});
