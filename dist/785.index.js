export const id = 785;
export const ids = [785];
export const modules = {

/***/ 8166:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  confirmRest: () => (/* binding */ confirmRest)
});

// EXTERNAL MODULE: ./build/failures/action-error.js + 1 modules
var action_error = __webpack_require__(5427);
// EXTERNAL MODULE: ./build/failures/probe-failure.js
var probe_failure = __webpack_require__(3603);
// EXTERNAL MODULE: ./build/failures/probe-http.js
var probe_http = __webpack_require__(1089);
;// CONCATENATED MODULE: ./build/failures/probe-rest.js



const runAgainRemedy = 'Run mode deploy again: it restores the paths of the Ingress and the annotations of the Service for the RESTful API.';
const statusMeanings = {
    404: {
        explanation: 'no listener rule matches the path',
        remedy: `${runAgainRemedy} In a group, check that no other Ingress claims the host.`,
        retryFor: probe_failure/* propagationWindow */.xs,
    },
    464: {
        explanation: 'the protocol version of the target group is not HTTP1',
        remedy: runAgainRemedy,
        retryFor: probe_failure/* propagationWindow */.xs,
    },
    502: {
        explanation: 'the target closed the connection, so Milvus serves no HTTP on this port',
        remedy: 'Set proxy.http.enabled: true in the configuration of Milvus, and leave proxy.http.port empty.',
        retryFor: probe_failure/* untilTimeout */._J,
    },
    503: {
        explanation: 'no target is registered in the target group',
        remedy: 'Check that the Service for the RESTful API exists and has ready endpoints ("kubectl get endpointslices -n NAMESPACE"), and check the events of its TargetGroupBinding.',
        retryFor: probe_failure/* untilTimeout */._J,
    },
    504: {
        explanation: 'the target did not answer in time',
        remedy: 'Check that Milvus is not overloaded, and the log of its proxy.',
        retryFor: probe_failure/* untilTimeout */._J,
    },
};
const restFailure = (problem, remedy, retryFor) => new probe_failure/* ProbeFailure */.BU({
    code: 'probe-rest-failed',
    problem: `gRPC works, but the RESTful API does not: ${problem}`,
    remedy,
    retryFor,
});
function restAlbError(answer) {
    const { operation, status, server } = answer;
    const { explanation, remedy, retryFor } = statusMeanings[status] ?? (0,probe_http/* describeStatus */.Wn)(status);
    const sender = server === '' ? '' : ` (${server})`;
    return restFailure(`${operation} was answered with HTTP ${status}${sender}: ${explanation}.`, remedy, retryFor);
}
const restNotServed = (operation) => restFailure(`Milvus does not know ${operation}.`, 'Upgrade Milvus to 2.3 or later, or set rest: false.', probe_failure/* never */.Zm);
function restError(answer) {
    const { operation, status, code, message } = answer;
    const reason = message === '' ? '' : ` (${message})`;
    return restFailure(`Milvus answered ${operation} with HTTP ${status} and code ${code}${reason}.`, 'Check the log of the Milvus proxy.', probe_failure/* untilTimeout */._J);
}
function restTokenRejected(answer) {
    const { operation, code, message } = answer;
    const reason = message === '' ? '' : `, ${message}`;
    return restFailure(`Milvus rejects milvus-token for ${operation} (code ${code ?? 'unknown'}${reason}).`, 'Store user:password of a Milvus user in the secret behind milvus-token, and check that nothing between the ALB and Milvus removes the header Authorization.', probe_failure/* never */.Zm);
}
const restUnanswered = (operation, reason) => restFailure(`${operation} has no answer: ${reason}.`, 'Check that Milvus is not overloaded, and that no proxy between this runner and the ALB rejects HTTP/1.1.', probe_failure/* untilTimeout */._J);
const restAuthorizationOffProblem = 'The RESTful API answers without credentials, although gRPC requires them: anyone who can reach the ALB can read, change and drop every collection.';
const restAuthorizationOffRemedy = 'Set rest: false until the configuration of Milvus is corrected (common.security.authorizationEnabled on every proxy).';
function restAuthorizationOff() {
    return new action_error/* ActionError */.l({
        code: 'milvus-authorization-off',
        problem: restAuthorizationOffProblem,
        remedy: restAuthorizationOffRemedy,
    });
}

// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
// EXTERNAL MODULE: ./build/util/text.js
var util_text = __webpack_require__(3506);
// EXTERNAL MODULE: ./build/clients/milvus/connection.js
var connection = __webpack_require__(4794);
// EXTERNAL MODULE: ./build/clients/milvus/endpoint.js
var milvus_endpoint = __webpack_require__(1843);
// EXTERNAL MODULE: ./build/clients/milvus/network-errors.js
var network_errors = __webpack_require__(9428);
// EXTERNAL MODULE: ./build/clients/milvus/tls.js + 1 modules
var tls = __webpack_require__(7766);
;// CONCATENATED MODULE: ./build/clients/milvus/http1.js







const maxBodyLength = 1024 * 1024;
async function requestOverHttp1(endpoint, request, signal) {
    const { socket } = await (0,connection/* connect */.N)({ ...endpoint, protocol: 'http/1.1' }, signal);
    const timeout = (0,milvus_endpoint/* remainingTime */.G)(endpoint, endpoint.callTimeout);
    try {
        return await send(socket, endpoint.host, request, timeout);
    }
    catch (thrown) {
        const operation = `${request.method} ${request.path}`;
        throw (0,tls/* alertFailure */.XP)(endpoint, thrown) ?? restUnanswered(operation, (0,network_errors/* describeNetworkError */.gl)(thrown));
    }
    finally {
        socket.destroy();
    }
}
function send(socket, host, { method, path, headers, body }, timeout) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            request.destroy(new Error(`no complete answer within ${(0,util_text/* formatSeconds */.Xo)(timeout)}`));
        }, timeout);
        const request = external_node_http_.request({
            createConnection: () => socket,
            method,
            path,
            headers: {
                host,
                'user-agent': 'milvus-alb-action',
                'content-length': String(Buffer.byteLength(body)),
                ...headers,
            },
        });
        request.on('error', reject);
        request.on('close', () => clearTimeout(timer));
        request.on('response', (response) => {
            readBody(response).then(resolve, reject);
        });
        request.end(body);
    });
}
async function readBody(response) {
    const { statusCode: status = 0, headers } = response;
    let body = '';
    response.setEncoding('utf8');
    for await (const chunk of response) {
        body += chunk;
        if (body.length > maxBodyLength)
            break;
    }
    const server = String(headers.server ?? '');
    const isTruncated = body.length > maxBodyLength;
    return { status, server, body: body.slice(0, maxBodyLength), isTruncated };
}

;// CONCATENATED MODULE: ./build/clients/milvus/rest-calls.js


const requests = {
    v2: { method: 'POST', path: '/v2/vectordb/collections/list', body: '{}' },
    v1: { method: 'GET', path: '/v1/vector/collections', body: '' },
};
async function probeRest(endpoint, token, signal) {
    const call = (credential) => callNewest(endpoint, credential, signal);
    const [anonymousCall, ownCall] = await Promise.all([
        call(undefined),
        token === undefined ? undefined : call(token),
    ]);
    if (ownCall && !isAccepted(ownCall))
        throw restTokenRejected(ownCall);
    const isBlocked = ownCall !== undefined && isBlockedByAlb(anonymousCall);
    const isAnonymousAccepted = !isBlocked && isAccepted(anonymousCall);
    const calls = ownCall ? [ownCall, anonymousCall] : [anonymousCall];
    return {
        api: (ownCall ?? anonymousCall).api,
        requiresCredentials: !isAnonymousAccepted,
        trace: calls.map(formatTrace),
    };
}
async function callNewest(endpoint, token, signal) {
    const newest = await callApi('v2', endpoint, token, signal);
    return isUnknownPath(newest) ? callApi('v1', endpoint, token, signal) : newest;
}
async function callApi(api, endpoint, token, signal) {
    const { method, path, body } = requests[api];
    const request = {
        method,
        path,
        body,
        headers: {
            accept: 'application/json',
            'content-type': 'application/json',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
    };
    const response = await requestOverHttp1(endpoint, request, signal);
    return { api, operation: `${method} ${path}`, response, ...parseAnswer(response) };
}
function parseAnswer({ body, isTruncated }) {
    if (isTruncated) {
        const [, code] = /^\{"code":(\d+),/.exec(body) ?? [];
        return { code: code === undefined ? undefined : Number(code), message: '' };
    }
    try {
        const { code, message } = JSON.parse(body);
        return {
            code: typeof code === 'number' ? code : undefined,
            message: typeof message === 'string' ? message : '',
        };
    }
    catch {
        return { code: undefined, message: '' };
    }
}
const isAnsweredByAlb = ({ server }) => server.startsWith('awselb');
const isBlockedByAlb = ({ response }) => response.status === 403 && isAnsweredByAlb(response);
const isUnknownPath = ({ response, code }) => response.status === 404 && code === undefined && !isAnsweredByAlb(response);
const needsAuthenticationCode = 1800;
const successCodes = [0, 200];
function isAccepted(call) {
    const { response, code } = call;
    const { status } = response;
    if (code === undefined && isUnknownPath(call))
        throw restNotServed(call.operation);
    if (code === undefined)
        throw restAlbError({ ...call, ...response });
    if (code === needsAuthenticationCode || status === 401)
        return false;
    if (status === 403)
        return true;
    if (status === 200 && successCodes.includes(code))
        return true;
    throw restError({ operation: call.operation, status, code, message: call.message });
}
const formatTrace = ({ operation, response, code }, index) => `REST: HTTP ${response.status}, code ${code ?? 'none'} to ${operation}` +
    (index === 1 ? ' without a token' : '');

// EXTERNAL MODULE: ./build/steps/probe/retry.js
var retry = __webpack_require__(5651);
;// CONCATENATED MODULE: ./build/steps/probe/rest.js



const attemptInterval = 1_000;
async function confirmRest(run, endpoint, { result: grpcResult, output }) {
    const { context, settings } = run;
    const report = (rest) => context.setOutput('probe', JSON.stringify({ ...output, rest }));
    report({ answers: false, api: null, requiresCredentials: null });
    const attempt = (deadline) => probeRest({ ...endpoint, deadline }, settings.probe.token, context.signal);
    const interval = () => attemptInterval;
    const result = await (0,retry/* retryProbe */.T)(run, { attempt, interval, deadline: endpoint.deadline });
    const { api, requiresCredentials } = result;
    report({ answers: true, api, requiresCredentials });
    for (const line of result.trace)
        context.log.info(line);
    reportUnauthenticatedAccess(run, result, grpcResult);
    return `RESTful API ${api} answers`;
}
function reportUnauthenticatedAccess({ context, settings }, { requiresCredentials }, grpcResult) {
    const isReported = grpcResult.isAuthenticated && grpcResult.allowsUnauthenticatedAccess;
    if (requiresCredentials || isReported)
        return;
    if (settings.requireAuthorization)
        throw restAuthorizationOff();
    context.log.warn(`${restAuthorizationOffProblem} ${restAuthorizationOffRemedy}`);
}


/***/ })

};
