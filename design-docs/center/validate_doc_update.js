// What a center's own user (role center:<centerId>) may write on a CouchDB hub; administrators may write anything.
// The same rule as refusalOf in replication/permissions.ts: one table of cases holds the two together.
function validate_doc_update(newDoc, oldDoc, userCtx, secObj) {
  var PART = /^[A-Za-z0-9._-]+$/;
  var DATE =
    '(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|' +
    '\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|' +
    '02-(?:0[1-9]|1\\d|2[0-8]))';
  var TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?';
  var DATETIME = new RegExp('^(?:' + DATE + ')T' + TIME + 'Z$');
  var OF_THE_CENTER = { seat: true, attendance: true };

  function refuse(reason) {
    throw { forbidden: reason };
  }

  function has(list, name) {
    return !!list && list.indexOf(name) >= 0;
  }

  function isAdministrator() {
    var admins = (secObj && secObj.admins) || {};
    if (has(userCtx.roles, '_admin') || (userCtx.name && has(admins.names, userCtx.name))) {
      return true;
    }
    return (userCtx.roles || []).some(function (role) {
      return has(admins.roles, role);
    });
  }

  function isObject(value) {
    return value !== null && typeof value === 'object' && !Array.isArray(value);
  }

  var checks = {
    idPart: function (value) {
      return typeof value === 'string' && PART.test(value);
    },
    text: function (value) {
      return typeof value === 'string' && value.length > 0;
    },
    string: function (value) {
      return typeof value === 'string';
    },
    number: function (value) {
      return typeof value === 'number' && isFinite(value);
    },
    count: function (value) {
      return (
        typeof value === 'number' && value >= 0 && value <= 9007199254740991 && Math.floor(value) === value
      );
    },
    time: function (value) {
      return typeof value === 'string' && DATETIME.test(value);
    },
    answers: function (value) {
      return (
        isObject(value) &&
        Object.keys(value).every(function (question) {
          var answer = value[question];
          return (
            isObject(answer) &&
            (answer.choice === null || typeof answer.choice === 'string') &&
            (answer.n === undefined || checks.count(answer.n)) &&
            (answer.at === undefined || checks.time(answer.at))
          );
        })
      );
    }
  };

  // By type: which check each field must pass; a name that ends with ? may be absent.
  var fields = {
    session: {
      'enrollmentId?': 'idPart',
      'testId?': 'idPart',
      'status?': 'string',
      'startedAt?': 'time',
      'submittedAt?': 'time'
    },
    answers: { 'enrollmentId?': 'idPart', 'testId?': 'idPart', answers: 'answers' },
    result: { 'enrollmentId?': 'idPart', 'testId?': 'idPart', score: 'number', 'submittedAt?': 'time' },
    log: { 'at?': 'time', 'event?': 'string' },
    enrollment: {
      enrollmentId: 'idPart',
      registrationNumber: 'idPart',
      testId: 'idPart',
      centerId: 'idPart',
      accessCode: 'text',
      scheduledAt: 'time',
      'seat?': 'count',
      'attendance?': 'string'
    }
  };

  function checkFields(type) {
    Object.keys(fields[type]).forEach(function (name) {
      var optional = name.charAt(name.length - 1) === '?';
      var field = optional ? name.slice(0, -1) : name;
      var value = newDoc[field];
      if (value === undefined && optional) {
        return;
      }
      if (!checks[fields[type][name]](value)) {
        refuse(field + ': is not as the schema of ' + type + ' says');
      }
    });
  }

  function checkEnrollment(key) {
    if (newDoc.enrollmentStatus !== 'enrolled') {
      refuse('enrollmentStatus: is not enrolled');
    }
    if (newDoc.paymentStatus !== 'completed') {
      refuse('paymentStatus: is not completed');
    }
    if (newDoc.enrollmentId !== key) {
      refuse('enrollmentId: is not ' + key + ', as the id says');
    }
    if (!oldDoc) {
      refuse('an enrollment is created online only');
    }
    Object.keys(newDoc)
      .concat(Object.keys(oldDoc))
      .forEach(function (field) {
        if (field.charAt(0) === '_' || OF_THE_CENTER[field] === true) {
          return;
        }
        if (JSON.stringify(newDoc[field]) !== JSON.stringify(oldDoc[field])) {
          refuse(field + ' of an enrollment is changed online only');
        }
      });
  }

  function ownCenter() {
    var roles = (userCtx.roles || []).filter(function (role) {
      return role.indexOf('center:') === 0;
    });
    if (roles.length !== 1) {
      refuse('only administrators and centers may write');
    }
    return roles[0].slice('center:'.length);
  }

  if (isAdministrator()) {
    return;
  }
  var centerId = ownCenter();
  var parts = String(newDoc._id).split(':');
  if (parts.length !== 3 || !parts.every(checks.idPart)) {
    refuse('the id is not <partition>:<type>:<key>');
  }
  var type = parts[1];
  if (parts[0] !== 'center-' + centerId) {
    refuse('center ' + centerId + ' may write only in its own partition');
  }
  if (!Object.prototype.hasOwnProperty.call(fields, type)) {
    refuse(type + ' documents are written online only');
  }
  if ((type === 'result' || type === 'log') && oldDoc) {
    refuse('a ' + type + ' is written once and never changed');
  }
  if (newDoc._deleted) {
    if (type === 'enrollment') {
      refuse('an enrollment is deleted online only');
    }
    return;
  }
  if (newDoc.type !== type) {
    refuse('type: is not ' + type + ', as the id says');
  }
  checkFields(type);
  if (typeof newDoc.centerId === 'string' && parts[0] !== 'center-' + newDoc.centerId) {
    refuse('centerId: is not the center of partition ' + parts[0]);
  }
  if (type === 'enrollment') {
    checkEnrollment(parts[2]);
  }
}
