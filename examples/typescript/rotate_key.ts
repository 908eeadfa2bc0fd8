// Make an API key, give it a successor, and revoke both. Needs a key with the scope admin.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const made = await api.POST("/v1/keys", { body: { name: "rotated", scopes: ["send"], project: "shop" } });
if (made.error) throw new Error(made.error.detail);
console.log(made.data.name, made.data.state, "secret" in made.data);

const params = { path: { key_id: made.data.id } };
const successor = await api.POST("/v1/keys/{key_id}/rotate", { params: { ...params, query: { overlap_s: 3600 } } });
if (successor.error) throw new Error(successor.error.detail);
console.log(successor.data.name, successor.data.scopes);

const old = await api.GET("/v1/keys/{key_id}", { params });
if (old.error) throw new Error(old.error.detail);
console.log(old.data.state);

for (const { id } of [made.data, successor.data]) {
  const { error } = await api.DELETE("/v1/keys/{key_id}", { params: { path: { key_id: id } } });
  if (error) throw new Error(error.detail);
}
console.log("revoked");
