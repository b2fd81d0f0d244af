//! The bodies of AMP's requests: form fields, of which its clients say as few as they like, and often not even that it is
//! a form.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use super::answer::{self, Refused};

/// Fields, whatever kind of body it is said to be unless that is something else by name.
pub(super) struct Fields<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Refused;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Refused> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().entry(CONTENT_TYPE).or_insert(form);
        let wrong = |wrong: FormRejection| answer::refuse(wrong.status(), wrong.body_text());
        Form::from_request(request, state).await.map(|Form(fields)| Self(fields)).map_err(wrong)
    }
}

/// A field that has to be there.
pub(super) fn need<T>(field: Option<T>, name: &str) -> Result<T, Refused> {
    field.ok_or_else(|| answer::refuse(StatusCode::BAD_REQUEST, format!("Missing parameter: {name}")))
}
