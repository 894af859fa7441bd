const { connect } = require("klaviyo-connector");

test("an opt-in and a lookup", async () => {
  const [endpoint, key, email] = JSON.parse(process.env.VALUES);
  const klaviyo = await connect({ key, endpoint });
  const { profileId, created } = await klaviyo.optIn({ list: "Y6nRLr", email });
  expect(created).toBe(true);
  expect((await klaviyo.lookup({ email })).id).toBe(profileId);
  await expect(klaviyo.lookup({ email: "nobody" })).rejects.toMatchObject({ code: "invalid-input" });
  await klaviyo.close();
});
