// How many documents of each type a center has: group_level=1 by center, 2 by type.
function map(doc) {
  var parts = doc._id.split(':');
  if (parts.length === 3 && parts[0].indexOf('center-') === 0) {
    emit([parts[0].slice('center-'.length), parts[1]], null);
  }
}
