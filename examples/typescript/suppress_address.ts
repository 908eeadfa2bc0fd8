// Send nothing more to an address, and send to it again. Needs a key with the scope admin.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { data, error } = await api.POST("/v1/suppressions", {
  body: { address: "dave@example.net", note: "asked us by phone, ticket 4711" },
});
if (error) throw new Error(error.detail);
console.log(data.address, data.reason);

const found = await api.GET("/v1/suppressions", { params: { query: { address: "Dave@Example.net" } } });
if (found.error) throw new Error(found.error.detail);
console.log(found.data.suppressions.length, "found");

const path = { suppression_id: data.id };
const lifted = await api.DELETE("/v1/suppressions/{suppression_id}", { params: { path } });
if (lifted.error) throw new Error(lifted.error.detail);
console.log("lifted");
