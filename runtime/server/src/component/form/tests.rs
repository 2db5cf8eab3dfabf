use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Contact {
    name: String,
    age: u8,
    #[serde(default)]
    is_friend: bool,
    #[serde(default)]
    tags: Vec<String>,
}

#[test]
fn fields_become_a_value_and_stay_as_typed() {
    let form: Form<Contact> = Form::decode("name=J%C3%BCrgen+K&age=41&tags=a&tags=b&is_friend=true");
    let expected =
        Contact { name: "Jürgen K".into(), age: 41, is_friend: true, tags: vec!["a".into(), "b".into()] };
    assert_eq!(form.value, Ok(expected));
    assert_eq!(form.field("name"), Some("Jürgen K"));
    assert_eq!(form.field("tags"), Some("a"));
    assert_eq!(form.field("no"), None);
    assert_eq!(form.fields.len(), 5);
}

#[track_caller]
fn check(encoded: &str, field: &str, message: &str) {
    let form: Form<Contact> = Form::decode(encoded);
    let errors = form.value.expect_err("an error");
    assert_eq!(errors.iter().collect::<Vec<_>>(), [(field, message)], "{encoded:?}");
}

#[test]
fn an_error_names_its_field() {
    check("name=a&age=old", "age", "invalid digit found in string");
    check("name=a&age=", "age", "cannot parse integer from empty string");
    check("name=a&age=300", "age", "number too large to fit in target type");
    check("age=3", "name", "is missing");
    check("", "name", "is missing");
    check(
        "name=a&age=3&is_friend=perhaps",
        "is_friend",
        "invalid value: string \"perhaps\", expected \"true\", \"on\" or \"false\"",
    );
}

#[test]
fn the_first_message_of_a_field_stays() {
    let mut errors = FieldErrors::new();
    errors.insert("email", "is not an address");
    errors.insert("email", "is too long");
    errors.insert("name", "is missing".to_owned());
    assert_eq!(errors.get("email"), Some("is not an address"));
    assert_eq!(errors.to_string(), "email: is not an address; name: is missing");
}

#[test]
fn a_payload_that_is_no_text_is_refused() {
    let taken = <Form<Contact> as FromPayload<event::Submit>>::from_payload(&Payload::Text("name=a&age=1"));
    assert!(taken.is_ok_and(|form| form.value.is_ok()));
    assert!(<Form<Contact> as FromPayload<event::Submit>>::from_payload(&Payload::Number(3)).is_err());
    assert!(<Form<Contact> as FromPayload<event::FormInput>>::from_payload(&Payload::None).is_err());
}

#[cfg(feature = "garde")]
mod with_garde {
    use garde::Validate;

    use super::*;

    #[derive(Debug, Deserialize, Validate, PartialEq)]
    struct Signup {
        #[garde(length(min = 2))]
        name: String,
        #[garde(email)]
        email: String,
    }

    #[test]
    fn every_broken_rule_stands_beside_its_field() {
        let form: Form<Signup> = Form::decode("name=a&email=b");
        let errors = form.validated().expect_err("both fields are wrong");
        assert_eq!(errors.len(), 2, "{errors}");
        assert_eq!(errors.get("name"), Some("length is lower than 2"));
        assert!(
            errors.get("email").is_some_and(|message| message.starts_with("not a valid email")),
            "{errors}"
        );
        let form: Form<Signup> = Form::decode("name=Ann&email=ann@example.com");
        assert!(form.validated().is_ok());
        let form: Form<Signup> = Form::decode("name=Ann");
        assert_eq!(form.validated().expect_err("a field is missing").get("email"), Some("is missing"));
    }
}
