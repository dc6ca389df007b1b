//! stub
/// stub
pub fn nearest<'a>(_w:&str, _k: impl IntoIterator<Item=&'a str>) -> Option<&'a str> { None }
