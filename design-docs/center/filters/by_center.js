// What one center may see: center=<centerId>&tests=<testId>,<testId>. An id's partition is all before its first
// colon, compared whole, so that LAG-1 is not LAG-10. express-pouchdb parses parameters as JSON: 42 arrives as a
// number, a list as an array.
function by_center(doc, req) {
  var query = req.query || {};
  var parts = String(doc._id).split(':');
  if (parts.length !== 3) {
    return false;
  }
  var partition = parts[0];
  if (partition === 'common') {
    return true;
  }
  if (partition.indexOf('center-') === 0) {
    return query.center !== undefined && partition === 'center-' + String(query.center);
  }
  if (partition.indexOf('test-') !== 0 || query.tests === undefined || query.tests === '') {
    return false;
  }
  return String(query.tests).split(',').indexOf(partition.slice('test-'.length)) >= 0;
}
