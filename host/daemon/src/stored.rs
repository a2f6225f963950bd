//! Lists that are kept as JSON, read element by element: one that cannot be read takes none of the others with it.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What could be read of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Readable<T> {
    /// The elements that can be read.
    pub list: Vec<T>,
    /// The others, and why.
    pub broken: Vec<(Value, String)>,
    /// Why the whole or the first of the broken elements cannot be read.
    pub problem: Option<String>,
}

/// Reads a list. `place` is a JSON pointer (RFC 6901) to it.
pub fn readable<T: DeserializeOwned>(json: &[u8], place: &str) -> Readable<T> {
    let nothing = |problem| Readable { list: Vec::new(), broken: Vec::new(), problem: Some(problem) };
    let document: Value = match serde_json::from_slice(json) {
        Ok(document) => document,
        Err(error) => return nothing(error.to_string()),
    };
    let Some(Value::Array(elements)) = document.pointer(place) else {
        return nothing("there is no list in it".to_owned());
    };
    let mut read = Readable { list: Vec::new(), broken: Vec::new(), problem: None };
    for (index, element) in elements.iter().enumerate() {
        match T::deserialize(element) {
            Ok(element) => read.list.push(element),
            Err(error) => {
                read.problem.get_or_insert_with(|| format!("its element {index}: {error}"));
                read.broken.push((element.clone(), error.to_string()));
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_cannot_be_read_takes_none_of_the_others_with_it() {
        let whole = readable::<u8>(b"[1, 2]", "");
        assert_eq!((whole.list, whole.problem), (vec![1, 2], None));
        let read = readable::<u8>(b"{\"all\": [1, \"x\", 300, 4]}", "/all");
        assert_eq!(read.list, [1, 4]);
        assert!(read.problem.unwrap().starts_with("its element 1: "));
        let broken: Vec<Value> = read.broken.into_iter().map(|(element, _)| element).collect();
        assert_eq!(broken, [Value::from("x"), Value::from(300)]);
        for broken in [&b""[..], b"[1, 2", b"{}", b"7", b"\xFF"] {
            let read = readable::<u8>(broken, "");
            assert!(read.list.is_empty() && read.problem.is_some(), "{broken:?}");
        }
    }
}
