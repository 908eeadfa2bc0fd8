// Register an endpoint, receive a webhook, and verify its signature. Needs a key with the scopes send and read.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

// Whether whoever sent this knows the secret, and sent it just now. The package `standardwebhooks` does the same.
const verify = (secret: string, headers: IncomingHttpHeaders, body: string): boolean => {
  const at = Number(headers["webhook-timestamp"]);
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`${headers["webhook-id"]}.${at}.${body}`).digest();
  const given = String(headers["webhook-signature"]).split(" ").map((one) => Buffer.from(one.slice(3), "base64"));
  const isGenuine = given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  return isGenuine && Math.abs(Date.now() / 1000 - at) < 300;
};

let secret = "";
const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString();
  const isGenuine = verify(secret, request.headers, body);
  response.writeHead(isGenuine ? 204 : 401).end();
  console.log(JSON.parse(body).type, isGenuine ? "verified" : "not from us");
  server.emit("received");
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
const received = new Promise<void>((done) => server.once("received", done));

const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`;
const made = await api.POST("/v1/webhook-endpoints", { body: { url, types: ["email.bounced"] } });
if (made.error) throw new Error(made.error.detail);
secret = made.data.secret;

const params = { path: { endpoint_id: made.data.id } };
const test = await api.POST("/v1/webhook-endpoints/{endpoint_id}/test", { params });
if (test.error) throw new Error(test.error.detail);
await received;

const { error } = await api.DELETE("/v1/webhook-endpoints/{endpoint_id}", { params });
if (error) throw new Error(error.detail);
server.close();
