use super::*;

fn mail(number: u8) -> MailId {
    MailId([number; 16])
}

#[tokio::test]
async fn a_session_holds_its_mails_but_never_more_than_its_window() {
    let memory = Memory::new(0, 0);
    let all = memory.free_to_receive();
    let mut share = Share::new(100 * 1024);
    assert_eq!(share.missing(1), 1);
    for (number, size, missing) in [(1, 30_u64, 30), (2, 60, 60), (3, 90, 10), (4, 5, 0)] {
        assert_eq!(share.missing(size * 1024), missing);
        let permit = memory.receive(missing).await;
        share.accept(mail(number), size * 1024, permit);
    }
    assert_eq!(all - memory.free_to_receive(), 100 * 1024);
    share.release(mail(3));
    assert_eq!(all - memory.free_to_receive(), 95 * 1024);
    for number in 1..=4 {
        share.release(mail(number));
    }
    assert_eq!(memory.free_to_receive(), all);
}

#[tokio::test]
async fn what_waited_together_is_not_held_twice() {
    let memory = Memory::new(0, 0);
    let all = memory.free_to_receive();
    let mut share = Share::new(100 * 1024);
    // Both were told to wait for a full window before either had it.
    let (first, second) = (memory.receive(100).await, memory.receive(100).await);
    share.accept(mail(1), 1_000_000, first);
    share.accept(mail(2), 1_000_000, second);
    assert_eq!(all - memory.free_to_receive(), 100 * 1024);
    drop(share);
    assert_eq!(memory.free_to_receive(), all);
}

#[test]
fn it_is_never_smaller_than_a_window() {
    assert_eq!(Memory::new(0, 0).free_to_receive(), u64::from(WINDOW_MOST));
    assert_eq!(Memory::default().free_to_send(), SEND_MEMORY as u64);
}
