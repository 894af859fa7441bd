// What the page does not send.

/** Refuses a request of `api.call`, which can ask for anything: nothing of the page has a use for it. */
export function refuseApi(request) {
  if (request.function === "api.call") {
    throw { payload: { tag: "denied", val: "api.call may ask for nothing on this page" } };
  }
}
