// SPDX-License-Identifier: MIT
//! The example backend as its users see it: HTTP over loopback.

mod common;
#[path = "../examples/manga.rs"]
mod manga;

use common::*;
use hyper::{Body, Method, Request};
use serde_json::Value;
use std::time::Duration;
use tilewright_client::Client;

struct Site {
    base: String,
    http: hyper::Client<hyper::client::HttpConnector>,
}

impl Site {
    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(Body::from(body))
            .unwrap();
        let answer = self.http.request(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, hyper::body::to_bytes(answer.into_body()).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask(Method::GET, path, Vec::new()).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Until the page is no longer running.
    async fn wait(&self, id: &str) -> Value {
        loop {
            let (status, state) = self.get(&format!("/pages/{id}")).await;
            assert_eq!(status, 200);
            if state["state"] != "running" {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn form(pages: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in pages {
        body.extend_from_slice(
            format!("--edge\r\ncontent-disposition: form-data; name=\"page\"; filename=\"{name}\"\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    body
}

#[tokio::test]
async fn pages_come_back_larger() {
    let folder = Folder::new("backend");
    let client = Client::builder().program(folder.named_program("tw-backend")).memory("300M").start().await.unwrap();
    let app = manga::app(client.clone(), folder.0.clone());
    let server = axum::Server::bind(&([127, 0, 0, 1], 0).into()).serve(app.into_make_service());
    let site = Site { base: format!("http://{}", server.local_addr()), http: hyper::Client::new() };
    tokio::spawn(server);

    let pages = [("1.ppm", pixels(120, 90, 1)), ("broken.png", b"no picture".to_vec()), ("2.ppm", pixels(100, 80, 2))];
    let (status, body) = site.ask(Method::POST, "/pages?scale=3&model=photo-2x", form(&pages)).await;
    let taken: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, taken.as_array().unwrap().len()), (200, 3), "{taken}");
    let id = |i: usize| taken[i]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.wait(&id(0)).await["state"], "done");
    let failed = site.wait(&id(1)).await;
    assert!(failed["state"] == "failed" && failed["retryable"] == false, "{failed}");
    let (status, picture) = site.ask(Method::GET, &format!("/pages/{}/picture", id(0)), Vec::new()).await;
    assert_eq!((status, &picture[16..24]), (200, &[0, 0, 1, 104, 0, 0, 1, 14][..])); // 360 x 270
    assert_eq!(site.get(&format!("/pages/{}/picture", id(1))).await.0, 409);
    assert_eq!(site.get("/pages/99").await.0, 404);

    // An engine that is killed: the page is done all the same, by the next one.
    let (_, body) = site.ask(Method::POST, "/pages?scale=4", form(&[("3.ppm", pixels(500, 400, 3))])).await;
    let third = serde_json::from_slice::<Value>(&body).unwrap()[0]["id"].as_str().unwrap().to_owned();
    kill(children("tw-backend")[0]);
    assert_eq!(site.wait(&third).await["state"], "done");
    assert_eq!(site.get("/status").await.1["crashes"], 1);

    // A page that is deleted while it runs.
    let (_, body) = site.ask(Method::POST, "/pages?scale=4", form(&[("4.ppm", pixels(1200, 900, 4))])).await;
    let fourth = serde_json::from_slice::<Value>(&body).unwrap()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.ask(Method::DELETE, &format!("/pages/{fourth}"), Vec::new()).await.0, 204);
    assert_eq!(site.get(&format!("/pages/{fourth}")).await.0, 404);
    let summary = client.shutdown().await.unwrap();
    assert_eq!((summary.cancelled, summary.errors), (1, 0), "{summary:?}"); // of the second engine
                                                                            // Nothing of it is left: the program, four uploads and what three of them became are.
    until("the end of its files", || std::fs::read_dir(&folder.0).unwrap().count() == 1 + 4 + 3).await;
}
