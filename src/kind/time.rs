//! Dates and times of RFC 3339, section 5.6, checked against the calendar.

/// `full-date`, a day that exists in the Gregorian calendar; years 0000 to 9999.
pub(super) fn is_date(value: &str) -> bool {
    full_date(value).is_some()
}

/// `date-time`. `T` and `Z` may be small letters, as the section's first note says; a space is not a `T`.
///
/// Second 60 is accepted in the last minute (UTC) of a month, where section 5.7 puts leap seconds; whether one was
/// really announced is not known here.
pub(super) fn is_datetime(value: &str) -> bool {
    let Some((date, time)) = value.split_once(['T', 't']) else {
        return false;
    };
    let Some(date) = full_date(date) else {
        return false;
    };
    full_time(time).is_some_and(|time| time.second < 60 || is_end_of_month(&date, &time))
}

struct Date {
    day: u16,
    last_day: u16,
}

struct Time {
    minute_of_day: i32,
    second: u16,
    offset_minutes: i32,
}

const MINUTES_A_DAY: i32 = 24 * 60;

fn full_date(text: &str) -> Option<Date> {
    let mut fields = text.split('-');
    let year = digits(fields.next()?, 4)?;
    let month = digits(fields.next()?, 2)?;
    let day = digits(fields.next()?, 2)?;
    let last_day = days_in_month(year, month)?;
    (fields.next().is_none() && (1..=last_day).contains(&day)).then_some(Date { day, last_day })
}

fn full_time(text: &str) -> Option<Time> {
    let (clock, offset_minutes) = split_offset(text)?;
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    if !fraction.is_none_or(super::number::is_digits) {
        return None;
    }
    let (minutes, second) = clock.rsplit_once(':')?;
    let second = digits(second, 2).filter(|second| *second <= 60)?;
    Some(Time { minute_of_day: hours_and_minutes(minutes)?, second, offset_minutes })
}

/// `Z` or `("+" / "-") time-hour ":" time-minute` off the end of a time, in minutes east.
fn split_offset(text: &str) -> Option<(&str, i32)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    if let Some((clock, offset)) = text.split_once('+') {
        return Some((clock, hours_and_minutes(offset)?));
    }
    let (clock, offset) = text.split_once('-')?;
    Some((clock, -hours_and_minutes(offset)?))
}

/// `time-hour ":" time-minute` in minutes.
fn hours_and_minutes(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some(i32::from(hours) * 60 + i32::from(minutes))
}

/// A number of exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    if text.len() != count || !super::number::is_digits(text) {
        return None;
    }
    text.parse().ok()
}

/// Section 5.7 and appendix C. `None` if there is no such month.
fn days_in_month(year: u16, month: u16) -> Option<u16> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Whether the minute is 23:59 UTC on the last day of a month.
fn is_end_of_month(date: &Date, time: &Time) -> bool {
    let utc = time.minute_of_day - time.offset_minutes;
    let last_day_in_utc = match utc.div_euclid(MINUTES_A_DAY) {
        -1 => date.day == 1,
        0 => date.day == date.last_day,
        _ => date.day + 1 == date.last_day,
    };
    last_day_in_utc && utc.rem_euclid(MINUTES_A_DAY) == MINUTES_A_DAY - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_date, is_datetime};

    #[test]
    fn dates() {
        for good in ["2026-01-31", "0000-02-29", "9999-12-31", "2024-02-29", "2000-02-29", "2026-04-30"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "",
            "2026",
            "2026-01",
            "2026-1-1",
            "2026-00-01",
            "2026-13-01",
            "2026-01-00",
            "2026-01-32",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "26-01-01",
            "02026-01-01",
            "-2026-01-01",
            "+2026-01-01",
            "2026/01/01",
            "2026-01-01 ",
            "20260101",
            "2026-01-01-",
            "2026-01-01T00:00:00Z",
            "２026-01-01",
            "2026-01-1a",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn datetimes() {
        for good in [
            "1985-04-12T23:20:50.52Z",
            "1996-12-19T16:39:57-08:00",
            "1937-01-01T12:00:27.87+00:20",
            "2026-01-31t00:00:00z",
            "2026-01-31T00:00:00-00:00",
            "2026-01-31T23:59:59.000000000000001+23:59",
            "1990-12-31T23:59:60Z",
            "1990-12-31T23:59:60.5Z",
            "1990-12-31T15:59:60-08:00",
            "1991-01-01T05:29:60+05:30",
            "2016-06-30T23:59:60Z",
        ] {
            assert!(is_datetime(good), "{good}");
        }
        for bad in [
            "",
            "2026-01-31",
            "T",
            "2026-01-31T",
            "2026-01-31T00:00:00",
            "2026-01-31T00:00Z",
            "2026-01-31 00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T00:60:00Z",
            "2026-01-31T00:00:61Z",
            "2026-01-31T00:00:60Z",
            "2026-01-30T23:59:60Z",
            "1990-12-31T23:59:60-08:00",
            "1990-12-30T15:59:60-08:00",
            "1990-12-31T05:29:60+05:30",
            "2026-02-29T00:00:00Z",
            "2026-01-31T00:00:00.Z",
            "2026-01-31T00:00:00,5Z",
            "2026-01-31T00:00:00+24:00",
            "2026-01-31T00:00:00+00:60",
            "2026-01-31T00:00:00+0000",
            "2026-01-31T00:00:00+00",
            "2026-01-31T00:00:00+00:00Z",
            "2026-01-31T00:00:00--01:00",
            "2026-01-31T0:00:00Z",
            "2026-01-31T00:00:00Z ",
            "2026-01-31T00:00:00[Europe/Paris]",
            "2026-01-31TT00:00:00Z",
            "20260131T000000Z",
            "2026-01-31T00:00:00 Z",
        ] {
            assert!(!is_datetime(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar(year in 0_i16..=9999, month in 0_u8..14, day in 0_u8..34) {
            let known = i8::try_from(month).ok().zip(i8::try_from(day).ok())
                .is_some_and(|(month, day)| jiff::civil::Date::new(year, month, day).is_ok());
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(is_date(&text), known);
            let text = format!("{text}T12:00:00Z");
            prop_assert_eq!(is_datetime(&text), known);
        }
    }
}
