//! Reports and their order; what is said over channels is shown in `touch/tests/channels.rs`.

use ports::delivery::What;

#[test]
fn a_state_is_never_left_for_an_earlier_one() {
    let ranks: Vec<u8> = [
        What::Queued,
        What::Sent { message_id: None },
        What::Delayed { detail: String::new() },
        What::Delivered,
        What::ReturnedToSender,
    ]
    .iter()
    .filter_map(What::rank)
    .collect();
    assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
    assert_eq!(What::Connected.rank(), None);
}
