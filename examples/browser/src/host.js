// The connector's host: what it can reach, and what is seen of it.

import { startConnector, startKlaviyo } from "./components.js";
import { camel } from "./names.js";
import { refuse } from "./policy.js";

/** The key of the simulator's account. It is no secret. */
const KEY = "pk_demo_3f9c1b7a5e2d4860";

/** A component that can be lent to several hosts: each has the requests of the calls that it makes. */
export async function shared(startComponent = startConnector) {
  const component = { send: undefined };
  return Object.assign(component, await startComponent({ send: (request) => component.send(request) }));
}

/** A host of this component, with a Klaviyo of its own. */
export async function start(component) {
  const { http, control } = await startKlaviyo();
  let then = performance.now();

  /** Klaviyo's time goes on as ours does. */
  function tick() {
    const now = performance.now();
    control.advance(BigInt(Math.floor(now - then)));
    then = now;
  }

  function reset() {
    control.reset(Math.floor(Date.now() / 1000));
    then = performance.now();
  }

  /** Calls a function of the contract. */
  function call(name, values) {
    const [group, method] = name.split(".").map(camel);
    return result(() => component[group][method](...values));
  }

  /**
   * Makes one call of the component, and writes down what crosses its `http`.
   *
   * @param name the function, such as `contacts.opt-in`
   * @param values its arguments
   * @param meanwhile told each exchange before the connector learns of it
   */
  function record(name, values, meanwhile = () => {}) {
    const exchanges = [];
    tick();
    component.send = (request) => {
      const exchange = { request };
      exchanges.push(exchange);
      try {
        refuse(request, name);
        exchange.response = http.send(request);
      } catch (error) {
        exchange.failure = payload(error);
      }
      meanwhile(exchange);
      return answer(exchange);
    };
    return { exchanges, result: call(name, values) };
  }

  /**
   * The connector's own time for a call, in microseconds, once the browser has optimised it: the call is made again
   * and again, with the answers from before. The page is not held up: it has its turn after each slice.
   */
  async function time(name, values, exchanges) {
    let best = Infinity;
    for (let slice = 0; slice < 10; slice++) {
      await new Promise((resolve) => setTimeout(resolve));
      let next;
      component.send = () => answer(exchanges[next++]);
      const begin = performance.now();
      let calls = 0;
      let spent = 0;
      // Clocks of browsers are coarse: a slice is a hundred of their ticks.
      while (spent < 10) {
        for (let more = 0; more < 5; more++) {
          next = 0;
          call(name, values);
        }
        calls += 5;
        spent = performance.now() - begin;
      }
      best = Math.min(best, spent / calls);
    }
    return best * 1000;
  }

  /** Sets what is to go wrong, and which key the host adds. */
  function set({ rules = [], key = KEY, scopes }) {
    if (scopes) control.addKey(key, scopes);
    control.useKey(key);
    control.setFaults(rules, 1n);
  }

  reset();
  return {
    memory: component.memory,
    reset,
    record,
    time,
    set,
    /** A request of somebody else, with the right key. */
    elsewhere: (request) => {
      control.useKey(KEY);
      return http.send(request);
    },
    wait: (seconds) => control.advance(BigInt(seconds) * 1000n),
    account: () => JSON.parse(control.state()).accounts[0],
  };
}

function answer({ response, failure }) {
  // A host function fails by throwing the error's value.
  if (failure) throw failure;
  return response;
}

function result(call) {
  try {
    return { ok: call() };
  } catch (error) {
    return { err: payload(error) };
  }
}

/** The value of an error that a component returned. Anything else is a defect, and goes on. */
function payload(error) {
  if (error?.payload === undefined) throw error;
  return error.payload;
}
