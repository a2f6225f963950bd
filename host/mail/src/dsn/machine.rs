//! The part that programs read: RFC 3464 section 2, with the types of RFC 6533 where something is not ASCII.

use super::{Action, Report};
use crate::header::{FieldName, Fields, authserv_id, date_time};

/// The delivery-status part, headers included.
pub(super) fn part(report: &Report<'_>) -> Vec<u8> {
    let status = [per_message(report), per_recipient(report)].join(&b"\r\n"[..]);
    let headers: &[u8] = if status.is_ascii() {
        b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    } else {
        b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    };
    [headers, &status, b"\r\n"].concat()
}

fn per_message(report: &Report<'_>) -> Vec<u8> {
    let mut fields = Fields::new();
    if let Some(id) = &report.envelope.envelope_id {
        fields.words(FieldName::ORIGINAL_ENVELOPE_ID, [id.as_str()]);
    }
    fields.words(FieldName::REPORTING_MTA, ["x-tox;", &authserv_id(report.reporter)]);
    fields.words(FieldName::ARRIVAL_DATE, [date_time(report.submitted).as_str()]);
    fields.into_bytes()
}

fn per_recipient(report: &Report<'_>) -> Vec<u8> {
    let recipient = &report.envelope.forward_path;
    let kind = if recipient.is_ascii() { "rfc822;" } else { "utf-8;" };
    let address = recipient.to_string();
    let mut fields = Fields::new();
    if let Some(original) = &report.envelope.original_recipient {
        fields.words(FieldName::ORIGINAL_RECIPIENT, [original.as_str()]);
    }
    fields.words(FieldName::FINAL_RECIPIENT, [kind, &address]);
    let action = match report.action {
        Action::Failed | Action::Unconfirmed => "failed",
        Action::Delayed { .. } => "delayed",
        Action::Delivered => "delivered",
    };
    fields.words(FieldName::ACTION, [action]);
    fields.words(FieldName::STATUS, [report.reason.status.to_string().as_str()]);
    if report.action != Action::Delivered {
        let words = std::iter::once("x-tox;").chain(report.reason.text().split_whitespace());
        fields.words(FieldName::DIAGNOSTIC_CODE, words);
    }
    fields.words(FieldName::LAST_ATTEMPT_DATE, [date_time(report.time).as_str()]);
    fields.words(FieldName::FINAL_LOG_ID, [report.mail.to_string().as_str()]);
    if let Action::Delayed { until } = report.action {
        fields.words(FieldName::WILL_RETRY_UNTIL, [date_time(until).as_str()]);
    }
    fields.into_bytes()
}
