export const id = 151;
export const ids = [151];
export const modules = {

/***/ 5151:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  probeDeep: () => (/* binding */ probeDeep)
});

// EXTERNAL MODULE: ./build/clients/milvus/grpc-channel.js + 3 modules
var grpc_channel = __webpack_require__(1606);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./build/failures/milvus.js
var milvus = __webpack_require__(7832);
// EXTERNAL MODULE: ./build/failures/probe-failure.js
var probe_failure = __webpack_require__(3603);
;// CONCATENATED MODULE: ./build/failures/probe-deep.js


const withoutDeepRemedy = 'To probe without a collection, set probe: required, which makes calls that only read.';
const deepFailure = (problem, remedy, retryFor) => new probe_failure/* ProbeFailure */.BU({ code: 'probe-deep-failed', problem, remedy, retryFor });
const rejections = [
    {
        pattern: /permission ?deny|permission denied|privilege|grpc-status 7\b/i,
        explanation: 'the user of milvus-token lacks the privilege for this call',
        remedy: `Grant that user a role that may create, index, load, search and drop collections, and insert into them. ${withoutDeepRemedy}`,
        retryFor: probe_failure/* never */.Zm,
    },
    {
        pattern: /collection not found|can't find collection/i,
        explanation: 'the temporary collection is gone, as if another run with probe: deep dropped it',
        remedy: 'Run the probes of the same Milvus one after the other.',
        retryFor: probe_failure/* once */.Oo,
    },
    {
        pattern: /exceed(?:s|ed)? the limit|maximum number of collections|collection num/i,
        explanation: 'its number of collections is limited',
        remedy: `Drop collections that are not used, or raise the limit (quotaAndLimits in its configuration). ${withoutDeepRemedy}`,
        retryFor: probe_failure/* never */.Zm,
    },
    {
        pattern: /quota|rate limit|deny to write|memory limit|disk/i,
        explanation: 'one of its limits is reached',
        remedy: 'Add memory or disk, or raise the limit (quotaAndLimits in its configuration). Clients are rejected in the same way.',
        retryFor: probe_failure/* untilTimeout */._J,
    },
];
function deepCallRejected(error, isRetriable) {
    const description = (0,milvus/* describeError */.Uc)(error);
    const rejection = rejections.find(({ pattern }) => pattern.test(description));
    const explanation = rejection ? `: ${rejection.explanation}` : '';
    return deepFailure(`${description}${explanation}.`, rejection?.remedy ??
        'Check the log of the Milvus proxy, and whether its data and query nodes are running ("kubectl get pods -n NAMESPACE").', rejection?.retryFor ?? (isRetriable ? probe_failure/* untilTimeout */._J : probe_failure/* propagationWindow */.xs));
}
const deepNeedsToken = () => deepFailure('Milvus requires credentials, and milvus-token is empty.', `Set milvus-token to a user that may create and drop collections. ${withoutDeepRemedy}`, probe_failure/* never */.Zm);
const deepInsertIncomplete = (insertedCount, count) => deepFailure(`Milvus inserted ${insertedCount} of ${count} vectors.`, 'Check the logs of the Milvus proxy and of its data nodes.', probe_failure/* once */.Oo);
const deepNotLoaded = (progress) => deepFailure(`Milvus loaded ${progress} % of the temporary collection in time.`, 'Check that its query nodes are running and have free memory ("kubectl get pods -n NAMESPACE"), or increase probe-timeout.', probe_failure/* untilTimeout */._J);
const deepNotFound = (insertedId, foundId) => deepFailure(`A search for inserted vector ${insertedId} found ${foundId === undefined ? 'nothing' : `vector ${foundId}`}.`, 'Check the logs of the query nodes of Milvus, and that all its pods use the same storage and message queue.', probe_failure/* once */.Oo);
const collectionRemains = (name, { message, remedy }) => `Temporary collection ${name} of the deep probe could not be dropped: ${message} The next run with probe: deep drops it, or drop it with a client of Milvus. ${remedy}`;

// EXTERNAL MODULE: ./build/clients/milvus/api.js
var api = __webpack_require__(3356);
// EXTERNAL MODULE: ./build/clients/milvus/protobuf.js
var protobuf = __webpack_require__(7017);
;// CONCATENATED MODULE: ./build/clients/milvus/collection-api.js


const countVectors = ({ dimension, values }) => values.length / dimension;
const dataType = { int64: 5, floatVector: 101 };
const floatVectorPlaceholder = 101;
const booleanExpression = 1;
const metricType = 'L2';
const encodePair = (fieldNumber, [key, value]) => (0,protobuf/* encodeLengthDelimited */.yp)(fieldNumber, Buffer.concat([(0,protobuf/* encodeLengthDelimited */.yp)(1, key), (0,protobuf/* encodeLengthDelimited */.yp)(2, value)]));
function encodeCreateCollection(name, dimension) {
    const idField = Buffer.concat([
        (0,protobuf/* encodeLengthDelimited */.yp)(2, 'id'),
        (0,protobuf/* encodeNumber */._v)(3, 1),
        (0,protobuf/* encodeNumber */._v)(5, dataType.int64),
    ]);
    const vectorField = Buffer.concat([
        (0,protobuf/* encodeLengthDelimited */.yp)(2, 'vector'),
        (0,protobuf/* encodeNumber */._v)(5, dataType.floatVector),
        encodePair(6, ['dim', String(dimension)]),
    ]);
    const schema = Buffer.concat([
        (0,protobuf/* encodeLengthDelimited */.yp)(1, name),
        (0,protobuf/* encodeLengthDelimited */.yp)(4, idField),
        (0,protobuf/* encodeLengthDelimited */.yp)(4, vectorField),
    ]);
    return Buffer.concat([
        encodeCollectionName(name),
        (0,protobuf/* encodeLengthDelimited */.yp)(4, schema),
        (0,protobuf/* encodeNumber */._v)(5, 1),
    ]);
}
const encodeCollectionName = (name) => (0,protobuf/* encodeLengthDelimited */.yp)(3, name);
const encodeDropCollection = encodeCollectionName;
const encodeLoadCollection = encodeCollectionName;
const encodeLoadingProgress = (name) => (0,protobuf/* encodeLengthDelimited */.yp)(2, name);
function encodeInsert(name, vectors) {
    const count = countVectors(vectors);
    const ids = Array.from({ length: count }, (_, index) => index + 1);
    const longData = (0,protobuf/* encodeLengthDelimited */.yp)(3, (0,protobuf/* encodePackedNumbers */.jG)(1, ids));
    const idData = Buffer.concat([
        (0,protobuf/* encodeNumber */._v)(1, dataType.int64),
        (0,protobuf/* encodeLengthDelimited */.yp)(2, 'id'),
        (0,protobuf/* encodeLengthDelimited */.yp)(3, longData),
    ]);
    const floatArray = (0,protobuf/* encodeLengthDelimited */.yp)(1, (0,protobuf/* encodeFloats */._s)(vectors.values));
    const vectorField = [(0,protobuf/* encodeNumber */._v)(1, vectors.dimension), (0,protobuf/* encodeLengthDelimited */.yp)(2, floatArray)];
    const vectorData = Buffer.concat([
        (0,protobuf/* encodeNumber */._v)(1, dataType.floatVector),
        (0,protobuf/* encodeLengthDelimited */.yp)(2, 'vector'),
        (0,protobuf/* encodeLengthDelimited */.yp)(4, Buffer.concat(vectorField)),
    ]);
    return Buffer.concat([
        encodeCollectionName(name),
        (0,protobuf/* encodeLengthDelimited */.yp)(5, idData),
        (0,protobuf/* encodeLengthDelimited */.yp)(5, vectorData),
        (0,protobuf/* encodeNumber */._v)(7, count),
    ]);
}
const encodeCreateIndex = (name) => Buffer.concat([
    encodeCollectionName(name),
    (0,protobuf/* encodeLengthDelimited */.yp)(4, 'vector'),
    encodePair(5, ['index_type', 'FLAT']),
    encodePair(5, ['metric_type', metricType]),
]);
function encodeSearch(name, vector) {
    const placeholder = Buffer.concat([
        (0,protobuf/* encodeLengthDelimited */.yp)(1, '$0'),
        (0,protobuf/* encodeNumber */._v)(2, floatVectorPlaceholder),
        (0,protobuf/* encodeLengthDelimited */.yp)(3, (0,protobuf/* encodeFloats */._s)(vector)),
    ]);
    const searchParameters = Object.entries({
        anns_field: 'vector',
        topk: '1',
        metric_type: metricType,
        params: '{}',
        round_decimal: '-1',
    });
    return Buffer.concat([
        encodeCollectionName(name),
        (0,protobuf/* encodeLengthDelimited */.yp)(6, (0,protobuf/* encodeLengthDelimited */.yp)(1, placeholder)),
        (0,protobuf/* encodeNumber */._v)(7, booleanExpression),
        ...searchParameters.map((pair) => encodePair(9, pair)),
        (0,protobuf/* encodeNumber */._v)(12, 1),
    ]);
}
const parseBareStatus = (bytes) => ({
    status: (0,api/* parseStatus */.i$)((0,protobuf/* decodeMessage */.Y8)(bytes)),
});
function parseCollectionNames(bytes) {
    const fields = (0,protobuf/* decodeMessage */.Y8)(bytes);
    return {
        status: (0,api/* parseStatus */.i$)((0,protobuf/* getMessageField */.WH)(fields, 1)),
        names: (0,protobuf/* getRepeatedTextField */.c)(fields, 2),
    };
}
function parseInsertResult(bytes) {
    const fields = (0,protobuf/* decodeMessage */.Y8)(bytes);
    return {
        status: (0,api/* parseStatus */.i$)((0,protobuf/* getMessageField */.WH)(fields, 1)),
        insertedCount: (0,protobuf/* getNumberField */.QA)(fields, 6),
    };
}
function parseLoadingProgress(bytes) {
    const fields = (0,protobuf/* decodeMessage */.Y8)(bytes);
    return { status: (0,api/* parseStatus */.i$)((0,protobuf/* getMessageField */.WH)(fields, 1)), progress: (0,protobuf/* getNumberField */.QA)(fields, 2) };
}
function parseSearchResults(bytes) {
    const fields = (0,protobuf/* decodeMessage */.Y8)(bytes);
    const ids = (0,protobuf/* getMessageField */.WH)((0,protobuf/* getMessageField */.WH)(fields, 2), 5);
    return {
        status: (0,api/* parseStatus */.i$)((0,protobuf/* getMessageField */.WH)(fields, 1)),
        ids: (0,protobuf/* getRepeatedNumberField */.Yn)((0,protobuf/* getMessageField */.WH)(ids, 1), 1),
    };
}

// EXTERNAL MODULE: ./build/clients/milvus/grpc-responses.js
var grpc_responses = __webpack_require__(6131);
// EXTERNAL MODULE: ./build/clients/milvus/http-responses.js
var http_responses = __webpack_require__(4395);
// EXTERNAL MODULE: ./build/clients/milvus/grpc-calls.js
var grpc_calls = __webpack_require__(8506);
;// CONCATENATED MODULE: ./build/clients/milvus/temporary-collection.js








const namePrefix = 'milvus_alb_action_probe_';
const createCollectionName = () => namePrefix + (0,external_node_crypto_.randomBytes)(6).toString('hex');
const vectorCount = 1_000;
const dimension = 768;
const createVectors = () => ({
    dimension,
    values: Float32Array.from({ length: vectorCount * dimension }, () => Math.random()),
});
const loadingInterval = 100;
const maxBodyBytes = 32 * 1024 * 1024;
const createCollection = (client, name) => callForStatus(client, 'CreateCollection', encodeCreateCollection(name, dimension));
async function exerciseCollection(client, name, vectors, limits) {
    const count = countVectors(vectors);
    const insert = encodeInsert(name, vectors);
    const insertStart = performance.now();
    const { insertedCount } = await call(client, 'Insert', insert, parseInsertResult);
    const insertTime = performance.now() - insertStart;
    if (insertedCount !== count)
        throw deepInsertIncomplete(insertedCount, count);
    await callForStatus(client, 'CreateIndex', encodeCreateIndex(name));
    await callForStatus(client, 'LoadCollection', encodeLoadCollection(name));
    await waitUntilLoaded(client, name, limits);
    const searchStart = performance.now();
    await searchVector(client, name, vectors);
    const searchTime = performance.now() - searchStart;
    return { vectorCount: count, requestBytes: insert.length, insertTime, searchTime };
}
async function waitUntilLoaded(client, name, { clock, signal, deadline }) {
    const request = encodeLoadingProgress(name);
    for (;;) {
        const { progress } = await call(client, 'GetLoadingProgress', request, parseLoadingProgress);
        if (progress >= 100)
            return;
        if (clock.now() + loadingInterval >= deadline)
            throw deepNotLoaded(progress);
        await clock.sleep(loadingInterval, signal);
    }
}
async function searchVector(client, name, { dimension: length, values }) {
    const index = Math.floor(values.length / length / 2);
    const vector = values.subarray(index * length, (index + 1) * length);
    const request = encodeSearch(name, vector);
    const { ids } = await call(client, 'Search', request, parseSearchResults);
    if (ids[0] !== index + 1)
        throw deepNotFound(index + 1, ids[0]);
}
async function listTemporaryCollections(client) {
    const request = Buffer.alloc(0);
    const { names } = await call(client, 'ShowCollections', request, parseCollectionNames);
    return names.filter((name) => name.startsWith(namePrefix));
}
async function dropCollection(client, name) {
    const method = 'DropCollection';
    const request = encodeDropCollection(name);
    const { status } = await send(client, method, request, parseBareStatus);
    if (status.code !== 0 && !isCollectionMissing(status))
        throw rejectedFailure(method, status);
}
const isCollectionMissing = ({ code, reason }) => code === 100 || /can't find collection/.test(reason);
async function callForStatus(client, method, request) {
    await call(client, method, request, parseBareStatus);
}
async function call(client, method, request, parse) {
    const answer = await send(client, method, request, parse);
    if (answer.status.code === 0)
        return answer;
    throw rejectedFailure(method, answer.status);
}
async function send({ channel, token }, method, request, parse) {
    const metadata = (0,grpc_calls/* createMetadata */.wR)(token);
    const path = (0,api/* methodPath */.Bp)(method);
    const { response } = await channel.call({ path, request, metadata, maxBodyBytes });
    const { status, message } = response;
    if (status === undefined)
        throw (0,http_responses/* httpStatusFailure */.v)(response);
    if (status !== grpc_responses/* grpcStatus */.Z3.ok)
        throw grpcFailure(method, { status, message }, token);
    return (0,grpc_calls/* parseBody */.OG)(method, response.body, parse);
}
function grpcFailure(method, { status, message }, token) {
    if ((0,grpc_responses/* isUnauthenticated */.Xh)(status, message))
        return token === undefined ? deepNeedsToken() : (0,grpc_responses/* rejectedTokenFailure */.iF)(token, status, message);
    const error = { method, status, message };
    return (0,grpc_responses/* isStarting */.zd)(message)
        ? (0,milvus/* milvusStarting */.bd)(error)
        : deepCallRejected(error, (0,milvus/* isTransientStatus */.Dm)(status));
}
function rejectedFailure(method, { code, reason, isRetriable }) {
    const error = { method, code, reason };
    return (0,grpc_responses/* isStarting */.zd)(reason) ? (0,milvus/* milvusStarting */.bd)(error) : deepCallRejected(error, isRetriable);
}

// EXTERNAL MODULE: ./build/steps/probe/retry.js
var retry = __webpack_require__(5651);
;// CONCATENATED MODULE: ./build/steps/probe/deep.js





const attemptInterval = 2_000;
const minAttemptTime = 20_000;
const dropTimeout = 5_000;
const dropInterval = 500;
const cancelledDropTimeout = 2_000;
async function probeDeep(run, endpoint) {
    const { context } = run;
    const name = createCollectionName();
    const vectors = createVectors();
    const state = { isFirstAttempt: true, mayExist: false };
    const attempt = (deadline) => withClient(run, { ...endpoint, deadline }, context.signal, async (client) => {
        if (state.isFirstAttempt)
            await dropOtherCollections(run, client);
        state.isFirstAttempt = false;
        const failure = await (0,probe_failure/* captureProbeFailure */.NQ)(() => createCollection(client, name));
        if (failure?.code !== 'probe-deep-failed')
            state.mayExist = true;
        if (failure)
            throw failure;
        const limits = { clock: context.clock, signal: context.signal, deadline };
        return exerciseCollection(client, name, vectors, limits);
    });
    const interval = () => attemptInterval;
    try {
        const { deadline } = endpoint;
        const result = await (0,retry/* retryProbe */.T)(run, { attempt, interval, deadline, minAttemptTime });
        return describeResult(run, name, result);
    }
    finally {
        const failure = state.mayExist ? await dropOwnCollection(run, endpoint, name) : undefined;
        if (failure)
            warnOfCollection(run, name, failure);
    }
}
async function withClient({ settings }, endpoint, signal, work) {
    const channel = await grpc_channel/* GrpcChannel */.u.open(endpoint, signal);
    try {
        return await work({ channel, token: settings.probe.token });
    }
    finally {
        channel.close();
    }
}
async function dropOtherCollections(run, client) {
    const { context } = run;
    for (const name of await listTemporaryCollections(client)) {
        const failure = await (0,probe_failure/* captureProbeFailure */.NQ)(() => dropCollection(client, name));
        if (failure)
            warnOfCollection(run, name, failure);
        else
            context.log.note(`Dropped collection ${name}, which another run left behind.`);
    }
}
async function dropOwnCollection(run, endpoint, name) {
    const { clock, signal } = run.context;
    const timeout = signal.aborted ? cancelledDropTimeout : dropTimeout;
    const dropEndpoint = { ...endpoint, deadline: clock.now() + timeout };
    const uncancelled = new AbortController().signal;
    for (;;) {
        const failure = await (0,probe_failure/* captureProbeFailure */.NQ)(() => withClient(run, dropEndpoint, uncancelled, (client) => dropCollection(client, name)));
        if (!failure || failure.retryFor === probe_failure/* never */.Zm)
            return failure;
        if (clock.now() + dropInterval >= dropEndpoint.deadline)
            return failure;
        await clock.sleep(dropInterval, uncancelled);
    }
}
const warnOfCollection = ({ context }, name, failure) => context.log.warn(collectionRemains(name, failure));
function describeResult({ context }, name, { vectorCount, requestBytes, insertTime, searchTime }) {
    const size = `${(requestBytes / 1e6).toFixed(1)} MB`;
    const insert = Math.ceil(insertTime);
    const search = Math.ceil(searchTime);
    context.log.info(`Deep: created collection ${name}, inserted ${vectorCount} vectors (${size}, ${insert} ms) ` +
        `and found one of them (${search} ms)`);
    return {
        phrase: `${size} inserted and searched`,
        output: { vectors: vectorCount, bytes: requestBytes, insert, search },
    };
}


/***/ })

};
