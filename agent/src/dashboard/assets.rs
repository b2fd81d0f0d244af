//! The style, the script and the icon: ours, in the binary, the same for everybody, and therefore public.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::Api;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// The page asks for them under the name of their build, so that they may be kept for ever.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Tells builds of them apart.
pub(super) fn build() -> &'static str {
    static BUILD: LazyLock<String> = LazyLock::new(|| {
        let mut sum = crc32fast::Hasher::new();
        [STYLE, SCRIPT, ICON].iter().for_each(|text| sum.update(text.as_bytes()));
        format!("{:08x}", sum.finalize())
    });
    &BUILD
}

/// The paths of this file.
pub(super) fn routes() -> Router<Api> {
    let asset = |kind: &'static str, text: &'static str| get(async move || served(kind, text));
    Router::new()
        .route("/dashboard/style.css", asset("text/css; charset=utf-8", STYLE))
        .route("/dashboard/script.js", asset("text/javascript; charset=utf-8", SCRIPT))
        .route("/dashboard/icon.svg", asset("image/svg+xml", ICON))
}

fn served(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT)], text).into_response()
}
