// A plugin of Swagger UI (https://swagger.io/docs/open-source-tools/swagger-ui/customization/plugin-api/, read 2026-11-30).
// It shows what each field of a body is below the body, which is text to edit and has no place for it; and below an answer
// where its links lead: they are in the document, but Swagger UI only prints them.
"use strict";

const Additions = () => {
  let read = null;
  const documentOf = (system) => (read ??= system.specSelectors.specJson().toJS());
  const at = (document, reference) => document.components.schemas[reference.split("/").pop()];

  /** The schemas of objects that a field may hold, directly or in a list. */
  const objectsIn = (document, schema) => {
    if (schema.$ref) {
      const found = at(document, schema.$ref);
      return found.properties ? [found] : objectsIn(document, found);
    }
    return [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap((it) => objectsIn(document, it));
  };

  /** Every field of a schema: its name, what it is, and whether it must be given. Those of an object come after it, once. */
  const fieldsOf = (document, schema, place = "", shown = new Set()) =>
    Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
      const isMust = (schema.required ?? []).includes(name) && !place;
      const own = { name: place + name, description: field.description ?? "", isMust };
      const inside = objectsIn(document, field).filter((it) => !shown.has(it) && shown.add(it));
      return [own, ...inside.flatMap((it) => fieldsOf(document, it, `${place}${name}.`, shown))];
    });

  const Fields = ({ system, schema }) => {
    const h = system.React.createElement;
    const Markdown = system.getComponent("Markdown", true);
    const rows = fieldsOf(documentOf(system), schema).flatMap(({ name, description, isMust }) => [
      h("dt", { key: name, className: isMust ? "must" : "" }, name),
      h("dd", { key: `${name} is` }, h(Markdown, { source: description })),
    ]);
    return h(
      "details",
      { className: "fields", open: true },
      h("summary", null, "Fields"),
      h("dl", { tabIndex: 0, "aria-label": "Fields" }, rows),
    );
  };

  /** Where an operation stands in the document. */
  const find = (document, operationId) => {
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods))
        if (operation.operationId === operationId) return { path, method, operation };
    throw new Error(`the document has no ${operationId}`);
  };

  /** The value of a runtime expression such as `$response.body#/id`. */
  const valueOf = (expression, body) =>
    expression
      .replace("$response.body#/", "")
      .split("/")
      .reduce((value, name) => value?.[name], body);

  const follow = (system, link, body) => {
    const { path, method, operation } = find(documentOf(system), link.operationId);
    for (const [name, expression] of Object.entries(link.parameters)) {
      const place = operation.parameters.find((parameter) => parameter.name === name).in;
      system.specActions.changeParam([path, method], name, place, valueOf(expression, body), false);
    }
    const block = [operation.tags[0], operation.operationId];
    system.layoutActions.show(["operations", ...block], true);
    system.specActions.execute({ path, method, operation: system.Im.fromJS(operation) });
    requestAnimationFrame(() => document.getElementById(`operations-${block.join("-")}`)?.scrollIntoView());
  };

  const Links = ({ system, path, method, response }) => {
    const h = system.React.createElement;
    const links = documentOf(system).paths[path][method].responses[response.get("status")]?.links ?? {};
    const body = Object.keys(links).length ? JSON.parse(response.get("text")) : {};
    const items = Object.entries(links).map(([name, link]) => {
      const { operation } = find(documentOf(system), link.operationId);
      const onClick = (event) => {
        event.preventDefault();
        follow(system, link, body);
      };
      const href = `#/${operation.tags[0]}/${operation.operationId}`;
      return h("p", { key: name, className: "answer-links" }, h("a", { href, onClick }, `${name}: ${link.description}`));
    });
    return h(system.React.Fragment, null, items);
  };

  return {
    wrapComponents: {
      RequestBody: (Original, system) => (props) => {
        const h = system.React.createElement;
        const { paths } = documentOf(system);
        const [, path, method] = props.specPath.toJS();
        const reference = paths[path][method].requestBody.content[props.contentType]?.schema.$ref;
        const schema = reference && at(documentOf(system), reference);
        return h("div", null, h(Original, props), schema && h(Fields, { system, schema }));
      },
      liveResponse: (Original, system) => (props) =>
        system.React.createElement(
          "div",
          null,
          system.React.createElement(Original, props),
          system.React.createElement(Links, { system, ...props }),
        ),
    },
  };
};
