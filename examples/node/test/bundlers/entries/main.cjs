const { connect } = require("klaviyo-connector");

(async () => {
  const [endpoint, key, email] = process.argv.slice(2);
  const klaviyo = await connect({ key, endpoint });
  const { profileId, created } = await klaviyo.optIn({ list: "Y6nRLr", email });
  const found = await klaviyo.lookup({ email });
  const refused = await klaviyo.lookup({ email: "nobody" }).catch((error) => error.code);
  await klaviyo.close();
  console.log(JSON.stringify({ created, isFound: found.id === profileId, refused }));
})();
