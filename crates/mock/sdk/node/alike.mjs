// What the SDK and the connector return, written alike: names and fields as the connector has them, and times read.

/** A time, however it is written. */
export const moment = (time) => (time === undefined || time === null ? null : new Date(time).getTime());
export const none = (value) => value ?? null;

/** An event, with the names of the metrics. */
export const event = ({ id, attributes, relationships }, names) => {
  const metric = relationships.metric.data.id;
  return {
    id,
    'metric-id': metric,
    metric: names.get(metric),
    'profile-id': relationships.profile.data.id,
    time: moment(attributes.datetime),
    value: none(attributes.eventProperties.$value),
    properties: attributes.eventProperties,
    uuid: none(attributes.uuid),
  };
};

/** An event of the connector's, with its texts read. */
export const read = (event) => ({
  ...event,
  time: moment(event.time),
  value: event.value === null ? null : Number(event.value),
  properties: JSON.parse(event.properties),
});

export const group = ({ id, attributes }) => ({
  id,
  name: attributes.name,
  created: moment(attributes.created),
  updated: moment(attributes.updated),
});
export const metric = (item) => ({ ...group(item), integration: none(item.attributes.integration?.name) });
export const audience = (item) => ({ ...group(item), 'opt-in': none(item.attributes.optInProcess) });
export const segment = (item) => ({
  ...group(item),
  active: none(item.attributes.isActive),
  processing: none(item.attributes.isProcessing),
});
export const dated = (record) => ({ ...record, created: moment(record.created), updated: moment(record.updated) });

export const person = ({ id, attributes }) => ({
  id,
  email: none(attributes.email),
  'first-name': none(attributes.firstName),
  'last-name': none(attributes.lastName),
  title: none(attributes.title),
  properties: attributes.properties ?? {},
  updated: moment(attributes.updated),
});
export const known = (profile) => ({
  id: profile.id,
  email: profile.email,
  'first-name': profile['first-name'],
  'last-name': profile['last-name'],
  title: profile.title,
  properties: JSON.parse(profile.properties),
  updated: moment(profile.updated),
});
export const member = (item) => [person(item), moment(item.attributes.joinedGroupAt)];
export const joined = ({ profile, joined }) => [known(profile), moment(joined)];
