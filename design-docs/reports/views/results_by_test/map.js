// The scores of each test: group_level=1 by test, 2 by center.
function map(doc) {
  var parts = doc._id.split(':');
  if (parts.length === 3 && parts[1] === 'result' && doc.testId && typeof doc.score === 'number') {
    emit([doc.testId, parts[0].slice('center-'.length)], doc.score);
  }
}
