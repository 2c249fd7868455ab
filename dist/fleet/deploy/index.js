import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
/******/ var __webpack_modules__ = ({

/***/ 24:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs");

/***/ }),

/***/ 455:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs/promises");

/***/ }),

/***/ 760:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:path");

/***/ }),

/***/ 854:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Fk: () => (/* binding */ jobTargetsInvalid),
/* harmony export */   Rh: () => (/* binding */ countInvalid),
/* harmony export */   u0: () => (/* binding */ commonInputsInvalid)
/* harmony export */ });
/* unused harmony exports targetsFileUnreadable, unmatchedFilter, environmentsMissing, environmentsUnknown, tokenMissing, tooManyJobs, maxJobsTooSmall, maxParallelTooSmall, jobTooLarge, planTooLarge, failedNotForChecks, failedOutcomesMissing, failedOutcomesTooOld, failedOutcomesExpired, outcomesInvalid, resultsMissing, resultsInvalid, resultsTooLarge, resultsUnreadable, resultsIncomplete, planIncomplete, commentNotUpdated, issueNotUpdated, heartbeatUrlInvalid, heartbeatFailed, heartbeatWithheld, gitHubRequestFailed */

const targetsFileUnreadable = (path, cause) => new Error(`Input file: cannot read ${path} (${getErrorMessage(cause)}). Check out the repository before this step, and set a path relative to its root.`, { cause });
const unmatchedFilter = (names, source, targetCount) => new Error(`Input only contains ${names.join(', ')}, which matches none of the ${targetCount} targets of ${source}. Correct it, or leave it empty to select all targets.`);
function environmentsMissing(environments) {
    const described = environments.map(({ name, targetNames }) => `${name} (${formatList('target', targetNames)})`);
    return new Error(`The repository does not have ${formatList('environment', described)}. GitHub would create what is missing, without protection rules and secrets. Create it yourself first, or correct the name in the targets.`);
}
function formatList(noun, names) {
    const shown = names.slice(0, 5).join(', ');
    const rest = names.length > 5 ? ` and ${names.length - 5} more` : '';
    return `${noun}${names.length === 1 ? '' : 's'} ${shown}${rest}`;
}
const environmentsUnknown = (cause) => new Error(`Whether the environments of the targets exist is not known: ${getErrorMessage(cause)}`, { cause });
const tokenMissing = () => new Error('Input token is empty, or the variables GITHUB_API_URL and GITHUB_REPOSITORY are not set. Set token to a token with the permission actions: read.');
const jobCombination = 'one per combination of environment, role, region and runner';
const tooManyJobs = (jobCount, maxJobs) => new RangeError(`The targets need at least ${jobCount} jobs, ${jobCombination}. GitHub allows at most ${maxJobs} here, 256 per matrix. Split the file into several, each with a workflow run of its own.`);
const maxJobsTooSmall = (jobCount, maxJobs) => new RangeError(`Input max-jobs is ${maxJobs}, and the targets need at least ${jobCount} jobs, ${jobCombination}. Set it to ${jobCount} or more.`);
const maxParallelTooSmall = (maxParallel, matrixCount) => new RangeError(`Input max-parallel is ${maxParallel}, and the jobs need ${matrixCount} matrices, each of which runs at least one job at a time. Set it to ${matrixCount} or more, or set max-jobs to 256 or less.`);
const countInvalid = (input, text) => new RangeError(`Input ${input} is "${text}". Set it to a whole number from 1 up.`);
const jobTooLarge = (options) => new RangeError(`The job of ${options.name} has targets of ${options.size} bytes, and a step receives at most ${options.maxSize}. Increase max-jobs, or give inputs the same value in all targets.`);
const planTooLarge = (bytes, maxBytes) => new Error(`The targets need ${bytes} bytes of job outputs, and GitHub passes on at most ${maxBytes}. Give inputs the same value in all targets where you can, or split the file into several, each with a workflow run of its own.`);
const commonInputsInvalid = () => new Error('Input common-inputs is not a JSON object of texts. Pass output common-inputs of fleet/plan without changes.');
const jobTargetsInvalid = () => new Error('Input targets is not a list of targets from fleet/plan. Pass matrix.targets without changes.');
const runAllTargets = 'Leave only empty to select all targets, or name some.';
const failedNotForChecks = () => new Error(`Input only is failed, which selects targets of deployments, not of checks or pull requests. ${runAllTargets}`);
const failedOutcomesMissing = (maxRuns) => new Error(`Input only is failed, but none of the last ${maxRuns} completed runs of this workflow on this branch planned targets of this file with the same dry-run. ${runAllTargets}`);
const failedOutcomesTooOld = (maxRuns) => new Error(`Input only is failed, but the last ${maxRuns} completed runs of this workflow on this branch did not plan every target. ${runAllTargets}`);
const failedOutcomesExpired = (runUrl) => new Error(`Input only is failed, but the artifacts that say which targets succeeded in ${runUrl} have expired. ${runAllTargets}`);
const outcomesInvalid = () => new Error(`Input only is failed, but an artifact of an earlier run whose name starts with milvus-alb-outcomes is not from this action. ${runAllTargets}`);
const resultsMissing = () => new Error('No job of this run uploaded results. See the logs of the jobs.');
const renameArtifacts = 'Rename artifacts of other steps that start with the same name.';
const resultsInvalid = () => new Error(`fleet/deploy did not write it. ${renameArtifacts}`);
const resultsTooLarge = (maxBytes) => new Error(`It is larger than ${maxBytes} bytes, so fleet/deploy did not write it. ${renameArtifacts}`);
const resultsUnreadable = (artifact, cause) => new Error(`Artifact ${artifact} cannot be read: ${getErrorMessage(cause)}`, { cause });
const resultsIncomplete = () => new Error('The report is incomplete, because some results could not be read. The issue was left as it is. Select "Re-run failed jobs" in this run.');
const planIncomplete = () => new Error('The plan is incomplete, because some results could not be read. Select "Re-run failed jobs" in this run.');
const commentNotUpdated = (cause) => new Error(`The comment on the pull request does not say what this run found: ${getErrorMessage(cause)} The summary of this run does.`, { cause });
const issueNotUpdated = (cause) => new Error(`The issue does not say what this run found: ${getErrorMessage(cause)} The summary of this run does.`, { cause });
const heartbeatUrlInvalid = () => new Error('Input heartbeat-url is not an https URL, so no heartbeat was sent. Copy the URL from the service that expects it.');
const heartbeatFailed = (host, reason) => new Error(`The heartbeat was not accepted by ${host}: ${reason}. Check the URL in heartbeat-url, and whether the runner can reach it.`);
const heartbeatWithheld = (uncheckedCount) => new Error(`No heartbeat was sent, because ${uncheckedCount} of the targets were not checked. See the report for them.`);
function gitHubRequestFailed(options) {
    const { operation, status, message, requiredPermissions, cause } = options;
    const outcome = status === undefined ? 'failed' : `failed with status ${status}`;
    const problem = `GitHub API request "${operation}" ${outcome}: ${message.replace(/\.?$/, '.')}`;
    const isDenied = status === 403 || status === 404;
    const remedy = isDenied && requiredPermissions !== undefined
        ? `Grant the token the permissions ${requiredPermissions}.`
        : 'Run the job again.';
    return new Error(`${problem} ${remedy}`, { cause });
}


/***/ }),

/***/ 738:
/***/ ((__webpack_module__, __unused_webpack___webpack_exports__, __nccwpck_require__) => {

__nccwpck_require__.a(__webpack_module__, async (__webpack_handle_async_dependencies__, __webpack_async_result__) => { try {
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(24);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(760);
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(210);
/* harmony import */ var _util_concurrency_js__WEBPACK_IMPORTED_MODULE_7__ = __nccwpck_require__(734);
/* harmony import */ var _util_text_js__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(506);
/* harmony import */ var _job_inputs_js__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(612);
/* harmony import */ var _run_target_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(296);
/* harmony import */ var _step_summary_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(324);








const dist = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)(process.argv[1] ?? ''), '../..');
async function run() {
    const results = [];
    try {
        await runTargets(results, createCancellationSignal());
    }
    catch (thrown) {
        (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .setFailed */ .C1)((0,_util_text_js__WEBPACK_IMPORTED_MODULE_5__/* .getErrorMessage */ .u1)(thrown));
    }
    (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .setOutput */ .uH)('results', JSON.stringify(results));
    (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .setOutput */ .uH)('endpoint', getOnlyEndpoint(results));
    const unsuccessful = results.filter(({ outcome }) => outcome !== 'success');
    if (unsuccessful.length === 0)
        return;
    const reasons = unsuccessful.map(describeResult).join(', ');
    (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .setFailed */ .C1)(`${unsuccessful.length} of ${results.length} targets did not succeed: ${reasons}`);
}
const getOnlyEndpoint = ([result, ...otherResults]) => otherResults.length === 0 ? (result?.outputs['endpoint'] ?? '') : '';
async function runTargets(results, signal) {
    const endedTargets = [];
    writeResults(endedTargets);
    (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .setOutput */ .uH)('results-file', resultsFile);
    const targets = readTargets();
    const parallel = (0,_job_inputs_js__WEBPACK_IMPORTED_MODULE_6__/* .readCount */ ._0)('parallel') ?? 1;
    const options = { dist, signal, isConcurrent: parallel > 1 && targets.length > 1 };
    const summary = new _step_summary_js__WEBPACK_IMPORTED_MODULE_3__/* .StepSummary */ .B(process.env['GITHUB_STEP_SUMMARY']);
    const runs = (0,_util_concurrency_js__WEBPACK_IMPORTED_MODULE_7__/* .runConcurrently */ .G)(targets, parallel, async (target) => {
        const run = await tryTarget(target, options);
        endedTargets.push(run.result);
        writeResults(endedTargets);
        return run;
    });
    for (const run of runs) {
        const { result, summary: text } = await run;
        results.push(result);
        await summary.add(text);
    }
    await summary.end();
}
function readTargets() {
    const sharedValues = Object.fromEntries(_run_target_js__WEBPACK_IMPORTED_MODULE_2__/* .sharedInputs */ .dO.map((name) => [name, (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .getInput */ .V4)(name)]));
    const commonInputs = (0,_run_target_js__WEBPACK_IMPORTED_MODULE_2__/* .readCommonInputs */ .di)((0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .getInput */ .V4)('common-inputs') || '{}');
    return (0,_run_target_js__WEBPACK_IMPORTED_MODULE_2__/* .readJobTargets */ .Of)((0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .getInput */ .V4)('targets', { required: true })).map(({ name, inputs }) => ({
        name,
        inputs: (0,_run_target_js__WEBPACK_IMPORTED_MODULE_2__/* .chooseCertificate */ .rU)({ ...commonInputs, ...inputs, ...sharedValues }),
    }));
}
async function tryTarget(target, options) {
    const { name, inputs } = target;
    const result = { name, host: inputs['host'] ?? '', outputs: {} };
    if (options.signal.aborted)
        return { result: { ...result, outcome: 'cancelled' }, summary: '' };
    try {
        return await (0,_run_target_js__WEBPACK_IMPORTED_MODULE_2__/* .runTarget */ .Nh)(target, options);
    }
    catch (thrown) {
        (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .error */ .z3)(`${name}: ${(0,_util_text_js__WEBPACK_IMPORTED_MODULE_5__/* .getErrorMessage */ .u1)(thrown)}`);
        return { result: { ...result, outcome: 'failure' }, summary: '' };
    }
}
function createCancellationSignal() {
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'])
        process.on(name, () => controller.abort());
    return controller.signal;
}
const resultsFile = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(process.env['RUNNER_TEMP'] ?? '.', 'milvus-alb-results.json');
function writeResults(results) {
    const newFile = `${resultsFile}.new`;
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(newFile, { force: true });
    const jobResults = {
        attempt: Number(process.env['GITHUB_RUN_ATTEMPT'] ?? '1'),
        mode: (0,_actions_core__WEBPACK_IMPORTED_MODULE_4__/* .getInput */ .V4)('mode'),
        dryRun: (0,_job_inputs_js__WEBPACK_IMPORTED_MODULE_6__/* .isDryRun */ .vG)(),
        targets: results,
    };
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeFileSync)(newFile, JSON.stringify(jobResults), { flag: 'wx' });
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.renameSync)(newFile, resultsFile);
}
const describeResult = ({ name, outcome, outputs }) => `${name} (${outputs['failure-code'] || outcome})`;
await run();

__webpack_async_result__();
} catch(e) { __webpack_async_result__(e); } }, 1);

/***/ }),

/***/ 296:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  rU: () => (/* binding */ chooseCertificate),
  di: () => (/* binding */ readCommonInputs),
  Of: () => (/* binding */ readJobTargets),
  Nh: () => (/* binding */ runTarget),
  dO: () => (/* binding */ sharedInputs)
});

;// CONCATENATED MODULE: external "node:child_process"
const external_node_child_process_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:child_process");
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __nccwpck_require__(455);
;// CONCATENATED MODULE: external "node:os"
const external_node_os_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:os");
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(760);
// EXTERNAL MODULE: ./build/failures/fleet.js
var fleet = __nccwpck_require__(854);
// EXTERNAL MODULE: ./build/util/text.js
var util_text = __nccwpck_require__(506);
;// CONCATENATED MODULE: ./build/failures/action-error.js


const maxProblemLength = 2_000;
class action_error_ActionError extends Error {
    name = 'ActionError';
    code;
    remedy;
    step;
    otherErrors;
    constructor(options, otherErrors = []) {
        super((0,util_text/* truncate */.xv)(options.problem, maxProblemLength), { cause: options.cause });
        this.code = options.code;
        this.remedy = options.remedy;
        this.step = options.step;
        this.otherErrors = otherErrors;
    }
    get allErrors() {
        return [this, ...this.otherErrors];
    }
    withStep(step) {
        return this.copyEach((error) => ({ step: error.step ?? step }));
    }
    mapTexts(transform) {
        return this.copyEach((error) => ({
            problem: transform(error.message),
            remedy: transform(error.remedy),
        }));
    }
    withOtherErrors(otherErrors) {
        return this.copy({}, otherErrors);
    }
    copyEach(getOverrides) {
        const otherErrors = this.otherErrors.map((error) => error.copy(getOverrides(error), []));
        return this.copy(getOverrides(this), otherErrors);
    }
    copy(overrides, otherErrors) {
        const { code, message: problem, remedy, cause, step } = this;
        return new action_error_ActionError({ code, problem, remedy, cause, step, ...overrides }, otherErrors);
    }
}
const deduplicatedCodes = new Set([
    'aws-credentials-missing',
    'aws-credentials-expired',
    'aws-credentials-refused',
    'cluster-unreachable',
    'cluster-unauthorized',
    'cancelled',
]);
function combineErrors(errors) {
    const unique = [];
    for (const error of errors.flatMap(({ allErrors }) => allErrors))
        if (!unique.some((other) => isSameProblem(error, other)))
            unique.push(error);
    const [first, ...otherErrors] = unique.sort((a, b) => failureCodes.indexOf(a.code) - failureCodes.indexOf(b.code));
    if (!first)
        throw new TypeError('combineErrors() needs at least one error');
    return first.withOtherErrors(otherErrors);
}
const isSameProblem = (a, b) => a.code === b.code && (a.message === b.message || deduplicatedCodes.has(a.code));

;// CONCATENATED MODULE: ./build/failures/inputs.js

const describeMissing = (name) => `Input ${name} is empty.`;
const inputMissing = (name, remedy) => new ActionError({ code: 'input-missing', problem: describeMissing(name), remedy });
const isInputMissing = (failure, name) => failure.code === 'input-missing' && failure.message === describeMissing(name);
const conflict = (problem, remedy) => new ActionError({ code: 'inputs-conflict', problem, remedy });
const inputInvalid = (name, { message, remedy }) => new ActionError({ code: 'input-invalid', problem: `Input ${name} ${message}`, remedy });
const inputs_inputUnknown = (name, suggestion) => new ActionError({
    code: 'input-invalid',
    problem: `Input ${name} does not exist.`,
    remedy: suggestion
        ? `Did you mean ${suggestion}? Correct the name, because an unknown input has no effect.`
        : 'Remove it: README.md lists all inputs. If it is a variable of the job (INPUT_...), not an input, give the variable another name.',
});
const regionVariableInvalid = (variable, { message, remedy }) => new ActionError({
    code: 'input-invalid',
    problem: `Input region is empty, and its default ${variable} ${message}`,
    remedy,
});
const variableInvalid = (variable, { message, remedy }) => new ActionError({
    code: 'input-invalid',
    problem: `The environment variable ${variable} ${message}`,
    remedy,
});
const clusterMissing = () => inputMissing('cluster', 'Set cluster to the name of the EKS cluster, or set kubeconfig or KUBECONFIG.');
const regionMissing = () => inputMissing('region', 'Set region to the AWS region of the cluster, or set AWS_REGION (aws-actions/configure-aws-credentials does).');
const hostMissing = () => inputMissing('host', 'Set host to the DNS name that clients connect to, for example milvus.example.com.');
const emptySecretHint = 'A secret that does not exist in this environment, or under another name, reads as empty.';
const certificateMissing = () => inputMissing('certificate', `Set certificate and private-key, or set certificate-secret or certificate-arn. ${emptySecretHint}`);
const certificateMissingForKey = () => inputMissing('certificate', `Set certificate together with private-key, or set certificate-secret or certificate-arn instead. ${emptySecretHint}`);
const privateKeyMissing = () => inputMissing('private-key', `Set private-key together with certificate. ${emptySecretHint}`);
const probeCertificateMissing = () => inputMissing('probe-certificate', `Set probe-certificate together with probe-key. ${emptySecretHint}`);
const probeKeyMissing = () => inputMissing('probe-key', `Set probe-key together with probe-certificate. ${emptySecretHint}`);
const chartPasswordMissing = () => inputMissing('chart-password', `Set chart-password together with chart-username. ${emptySecretHint}`);
const clusterAndKubeconfigSet = () => conflict('Inputs cluster and kubeconfig are both set.', 'Set only cluster for an EKS cluster, or only kubeconfig for any other access.');
const contextWithoutKubeconfig = () => conflict('Input context is set together with cluster, which has no contexts.', 'Leave context empty, or set kubeconfig instead of cluster.');
const pathWithoutCheckout = (input, path) => inputInvalid(input, {
    message: `is the relative path ${path}, but the jobs of a reusable workflow do not check out your repository.`,
    remedy: 'Use the action in a job of your own after actions/checkout, or set an absolute path on the runner.',
});
const releaseAndServiceSet = () => conflict('Inputs release and service are both set.', 'Set only release if the action should upgrade the Helm release of Milvus, or only service if there is none or it should not change.');
const certificateSecretWithOthers = (others) => conflict(`Input certificate-secret is set together with ${others.join(', ')}.`, `The secret contains certificate, key and chain. Leave ${others.join(', ')} empty, or certificate-secret.`);
const certificateInOtherRegion = (arnRegion, region) => conflict(`Input certificate-arn is in region ${arnRegion}, but input region (or AWS_REGION) is ${region}.`, 'An ALB uses only certificates of its own region, which is that of the cluster. Correct region or certificate-arn, or set certificate and private-key.');
const clusterInOtherRegion = (clusterRegion, region) => conflict(`The kubeconfig selects a cluster in region ${clusterRegion}, but input region (or AWS_REGION) is ${region}.`, `Set region: ${clusterRegion}, because the ALB and its certificate are in the region of the cluster. Or set context to that of a cluster in ${region}.`);
const helmDriverUnsupported = (driver) => conflict(`HELM_DRIVER is ${driver}, but the action reads releases only from Secrets and ConfigMaps.`, 'Set service instead of release, and change the type of that Service to ClusterIP where Helm runs.');
const cutoverLastWithoutProbe = () => conflict('Input cutover is last, but probe is off: nothing would test the ALB before the old load balancer is deleted.', 'Set probe: required on a runner that can reach the ALB. Or set cutover: never now, and cutover: first once the ALB has been seen to work.');
const cutoverNeverWithReleaseInputs = (releaseInputs) => {
    const names = releaseInputs.join(' and ');
    return conflict(`Input cutover is never, which leaves the release unchanged, but ${names} would change it.`, `Leave ${names} empty, or set cutover to first or last.`);
};
const probeDnsWithoutProbe = () => conflict('Input probe-dns is true, but probe is off.', 'Set probe-dns to false, or set probe: required on a runner that can reach the ALB.');
const restoreTypeWithoutRelease = (serviceType) => conflict('Inputs restore-service-type and service are both set, but the action does not change a Service without a Helm release.', `Leave restore-service-type empty, and set the type to ${serviceType} where the Service is managed. Or set release instead of service.`);
const restoreClassWithoutLoadBalancer = () => conflict('Input restore-load-balancer-class is set, but restore-service-type is not LoadBalancer.', 'Set restore-service-type: LoadBalancer, or leave restore-load-balancer-class empty.');
const restWithBackendTls = (annotation) => conflict(`Input rest is true, but annotations sets ${annotation}: HTTPS.`, 'Set rest: false, or turn TLS off in Milvus: it does not serve the RESTful API on a port with TLS.');
const annotationReserved = (annotation, owner) => inputInvalid('annotations', {
    message: `contains ${annotation}, which is set by ${owner}.`,
    remedy: 'Remove it from annotations.',
});

;// CONCATENATED MODULE: ./build/inputs/declaration.js
const defineInputs = (declarations) => declarations;
const toCamelCase = (name) => name.replace(/-(.)/g, (_match, letter) => letter.toUpperCase());

;// CONCATENATED MODULE: ./build/inputs/invalid-input.js
class InvalidInputError extends Error {
    name = 'InvalidInput';
    remedy;
    constructor(problem, remedy) {
        super(problem);
        this.remedy = remedy;
    }
}
const maxQuotedLength = 80;
const quoteForError = (raw) => raw.length > maxQuotedLength ? `a text of ${raw.length} characters` : JSON.stringify(raw);
const invalidValue = (raw, problem, remedy) => new InvalidInputError(`is ${quoteForError(raw)}, which ${problem}.`, remedy);
const maxSummarizedProblems = 20;
const maxSummaryLength = 1_200;
function summarize(problems) {
    const listed = [];
    for (const problem of problems.slice(0, maxSummarizedProblems)) {
        const isTooLong = [...listed, problem].join('; ').length > maxSummaryLength;
        if (isTooLong && listed.length > 0)
            break;
        listed.push(problem);
    }
    const omitted = problems.length - listed.length;
    if (omitted > 0)
        listed.push(`and ${omitted} more`);
    return listed.join('; ');
}

;// CONCATENATED MODULE: ./build/inputs/file-paths.js

const maxPathLength = 4_096;
const decodeBase64 = (text) => Buffer.from(text, 'base64').toString('utf8');
const isEncodedContent = (text) => text.length > 40 &&
    /^[\w+/=-]+$/.test(text) &&
    /apiVersion|current-context|-----BEGIN/.test(decodeBase64(text));
function isFileContent(text) {
    const trimmed = text.trim();
    return (/[\r\n]|-----BEGIN/.test(trimmed) ||
        /^[{[]/.test(trimmed) ||
        trimmed.length > maxPathLength ||
        isEncodedContent(trimmed));
}
function rejectFileContent(raw) {
    if (!isFileContent(raw))
        return;
    throw new InvalidInputError('contains the content of a file, where its path is expected.', 'Write the content to a file on the runner in an earlier step, and set the path of that file.');
}
function parseFilePath(raw) {
    rejectFileContent(raw);
    return raw;
}
const secretEntryPattern = /(?:token|password|passwd|secret|key|key-data)["']?[ \t]{0,9}:[ \t]{0,9}["']?([^\s"',{}]{6,})/gi;
const pemLinePattern = /^\s{0,40}([\w+/=]{32,})\s*$/gm;
const findMatches = (text, pattern) => [...text.matchAll(pattern)].map(([, match = '']) => match);
function findMisplacedSecrets(raw) {
    const text = raw.trim();
    if (!isFileContent(text))
        return [];
    const content = isEncodedContent(text) ? decodeBase64(text) : text;
    const secrets = [
        ...findMatches(content, secretEntryPattern),
        ...findMatches(content, pemLinePattern),
    ];
    if (content !== text)
        secrets.push(text);
    return secrets.length > 0 ? secrets : [text];
}

;// CONCATENATED MODULE: ./node_modules/js-yaml/dist/js-yaml.mjs
/*! js-yaml 5.5.0 https://github.com/nodeca/js-yaml @license MIT */
//#region src/tag.ts
/**
* Returned by a scalar resolver when the source does not match its tag.
*
* @category Tags
*/
var NOT_RESOLVED = Symbol("NOT_RESOLVED");
/**
* Create a normalized scalar tag definition.
*
* @category Tags
*/
function defineScalarTag(tagName, options) {
	return {
		tagName,
		nodeKind: "scalar",
		implicit: options.implicit ?? false,
		matchByTagPrefix: options.matchByTagPrefix ?? false,
		implicitFirstChars: options.implicitFirstChars ?? null,
		resolve: options.resolve,
		identify: options.identify,
		represent: options.represent ?? ((data) => String(data)),
		representTagName: options.representTagName ?? (() => tagName)
	};
}
/**
* Create a normalized sequence tag definition.
*
* @category Tags
*/
function defineSequenceTag(tagName, options) {
	const carrierIsResult = options.finalize === void 0;
	return {
		tagName,
		nodeKind: "sequence",
		implicit: false,
		matchByTagPrefix: options.matchByTagPrefix ?? false,
		create: options.create,
		addItem: options.addItem,
		finalize: options.finalize ?? ((carrier) => carrier),
		carrierIsResult,
		identify: options.identify,
		represent: options.represent ?? ((data) => data),
		representTagName: options.representTagName ?? (() => tagName)
	};
}
/**
* Create a normalized mapping tag definition.
*
* @category Tags
*/
function defineMappingTag(tagName, options) {
	const carrierIsResult = options.finalize === void 0;
	return {
		tagName,
		nodeKind: "mapping",
		implicit: false,
		matchByTagPrefix: options.matchByTagPrefix ?? false,
		create: options.create,
		addPair: options.addPair,
		has: options.has,
		keys: options.keys,
		get: options.get,
		finalize: options.finalize ?? ((carrier) => carrier),
		carrierIsResult,
		identify: options.identify,
		represent: options.represent ?? ((data) => data),
		representTagName: options.representTagName ?? (() => tagName)
	};
}
//#endregion
//#region src/tag/scalar/str.ts
/** @category Tags */
var strTag = defineScalarTag("tag:yaml.org,2002:str", {
	resolve: (source) => source,
	identify: (data) => typeof data === "string"
});
//#endregion
//#region src/tag/scalar/null_core.ts
var NULL_VALUES$1 = [
	"",
	"~",
	"null",
	"Null",
	"NULL"
];
/** @category Tags */
var nullCoreTag = defineScalarTag("tag:yaml.org,2002:null", {
	implicit: true,
	implicitFirstChars: [
		"",
		"~",
		"n",
		"N"
	],
	resolve: (source) => {
		if (NULL_VALUES$1.indexOf(source) !== -1) return null;
		return NOT_RESOLVED;
	},
	identify: (object) => object === null,
	represent: () => "null"
});
//#endregion
//#region src/tag/scalar/null_json.ts
/** @category Tags */
var nullJsonTag = defineScalarTag("tag:yaml.org,2002:null", {
	implicit: true,
	implicitFirstChars: ["n"],
	resolve: (source, isExplicit) => {
		if (source === "null" || isExplicit && source === "") return null;
		return NOT_RESOLVED;
	},
	identify: (object) => object === null,
	represent: () => "null"
});
//#endregion
//#region src/tag/scalar/null_yaml11.ts
var NULL_VALUES = [
	"",
	"~",
	"null",
	"Null",
	"NULL"
];
/** @category Tags */
var nullYaml11Tag = defineScalarTag("tag:yaml.org,2002:null", {
	implicit: true,
	implicitFirstChars: [
		"",
		"~",
		"n",
		"N"
	],
	resolve: (source) => {
		if (NULL_VALUES.indexOf(source) !== -1) return null;
		return NOT_RESOLVED;
	},
	identify: (object) => object === null,
	represent: () => "null"
});
//#endregion
//#region src/tag/scalar/bool_core.ts
var TRUE_VALUES$2 = [
	"true",
	"True",
	"TRUE"
];
var FALSE_VALUES$2 = [
	"false",
	"False",
	"FALSE"
];
/** @category Tags */
var boolCoreTag = defineScalarTag("tag:yaml.org,2002:bool", {
	implicit: true,
	implicitFirstChars: [
		"t",
		"T",
		"f",
		"F"
	],
	resolve: (source) => {
		if (TRUE_VALUES$2.indexOf(source) !== -1) return true;
		if (FALSE_VALUES$2.indexOf(source) !== -1) return false;
		return NOT_RESOLVED;
	},
	identify: (object) => Object.prototype.toString.call(object) === "[object Boolean]",
	represent: (object) => object ? "true" : "false"
});
//#endregion
//#region src/tag/scalar/bool_json.ts
var TRUE_VALUES$1 = ["true"];
var FALSE_VALUES$1 = ["false"];
/** @category Tags */
var boolJsonTag = defineScalarTag("tag:yaml.org,2002:bool", {
	implicit: true,
	implicitFirstChars: ["t", "f"],
	resolve: (source) => {
		if (TRUE_VALUES$1.indexOf(source) !== -1) return true;
		if (FALSE_VALUES$1.indexOf(source) !== -1) return false;
		return NOT_RESOLVED;
	},
	identify: (object) => Object.prototype.toString.call(object) === "[object Boolean]",
	represent: (object) => object ? "true" : "false"
});
//#endregion
//#region src/tag/scalar/bool_yaml11.ts
var TRUE_VALUES = [
	"true",
	"True",
	"TRUE",
	"y",
	"Y",
	"yes",
	"Yes",
	"YES",
	"on",
	"On",
	"ON"
];
var FALSE_VALUES = [
	"false",
	"False",
	"FALSE",
	"n",
	"N",
	"no",
	"No",
	"NO",
	"off",
	"Off",
	"OFF"
];
/** @category Tags */
var boolYaml11Tag = defineScalarTag("tag:yaml.org,2002:bool", {
	implicit: true,
	implicitFirstChars: [
		"y",
		"Y",
		"n",
		"N",
		"t",
		"T",
		"f",
		"F",
		"o",
		"O"
	],
	resolve: (source) => {
		if (TRUE_VALUES.indexOf(source) !== -1) return true;
		if (FALSE_VALUES.indexOf(source) !== -1) return false;
		return NOT_RESOLVED;
	},
	identify: (object) => Object.prototype.toString.call(object) === "[object Boolean]",
	represent: (object) => object ? "true" : "false"
});
//#endregion
//#region src/tag/scalar/int_core.ts
var YAML_INTEGER_IMPLICIT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
var YAML_INTEGER_EXPLICIT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1]+|[-+]?0o[0-7]+|[-+]?0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
function parseYamlInteger$2(source) {
	let value = source;
	let sign = 1;
	if (value[0] === "-" || value[0] === "+") {
		if (value[0] === "-") sign = -1;
		value = value.slice(1);
	}
	if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
	if (value.startsWith("0o")) return sign * parseInt(value.slice(2), 8);
	if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
	return sign * parseInt(value, 10);
}
function resolveYamlInteger$2(source, isExplicit) {
	if (isExplicit) {
		if (!YAML_INTEGER_EXPLICIT_PATTERN$1.test(source)) return NOT_RESOLVED;
	} else if (!YAML_INTEGER_IMPLICIT_PATTERN$1.test(source)) return NOT_RESOLVED;
	const result = parseYamlInteger$2(source);
	return Number.isFinite(result) ? result : NOT_RESOLVED;
}
/** @category Tags */
var intCoreTag = defineScalarTag("tag:yaml.org,2002:int", {
	implicit: true,
	implicitFirstChars: [
		"-",
		"+",
		..."0123456789"
	],
	resolve: resolveYamlInteger$2,
	identify: (object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0,
	represent: (object) => object.toString(10)
});
//#endregion
//#region src/tag/scalar/int_json.ts
var YAML_INTEGER_IMPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^-?(?:0|[1-9][0-9]*)$");
var YAML_INTEGER_EXPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1]+|[-+]?0o[0-7]+|[-+]?0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
function parseYamlInteger$1(source) {
	let value = source;
	let sign = 1;
	if (value[0] === "-" || value[0] === "+") {
		if (value[0] === "-") sign = -1;
		value = value.slice(1);
	}
	if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
	if (value.startsWith("0o")) return sign * parseInt(value.slice(2), 8);
	if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
	return sign * parseInt(value, 10);
}
function resolveYamlInteger$1(source, isExplicit) {
	if (isExplicit) {
		if (!YAML_INTEGER_EXPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
	} else if (!YAML_INTEGER_IMPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
	const result = parseYamlInteger$1(source);
	return Number.isFinite(result) ? result : NOT_RESOLVED;
}
/** @category Tags */
var intJsonTag = defineScalarTag("tag:yaml.org,2002:int", {
	implicit: true,
	implicitFirstChars: ["-", ..."0123456789"],
	resolve: resolveYamlInteger$1,
	identify: (object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0,
	represent: (object) => object.toString(10)
});
//#endregion
//#region src/tag/scalar/int_yaml11.ts
var YAML_INTEGER_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?(?:0|[1-9][0-9_]*))$");
function parseYamlInteger(source) {
	let value = source.replace(/_/g, "");
	let sign = 1;
	if (value[0] === "-" || value[0] === "+") {
		if (value[0] === "-") sign = -1;
		value = value.slice(1);
	}
	if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
	if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
	if (value.includes(":")) {
		let result = 0;
		for (const part of value.split(":")) result = result * 60 + Number(part);
		return sign * result;
	}
	if (value !== "0" && value[0] === "0") return sign * parseInt(value, 8);
	return sign * parseInt(value, 10);
}
function resolveYamlInteger(source) {
	if (!YAML_INTEGER_PATTERN.test(source)) return NOT_RESOLVED;
	const result = parseYamlInteger(source);
	return Number.isFinite(result) ? result : NOT_RESOLVED;
}
/** @category Tags */
var intYaml11Tag = defineScalarTag("tag:yaml.org,2002:int", {
	implicit: true,
	implicitFirstChars: [
		"-",
		"+",
		..."0123456789"
	],
	resolve: resolveYamlInteger,
	identify: (object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0,
	represent: (object) => object.toString(10)
});
//#endregion
//#region src/tag/scalar/float_core.ts
var YAML_FLOAT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?[0-9]+(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
var YAML_FLOAT_SPECIAL_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
function resolveYamlFloat$2(source) {
	if (!YAML_FLOAT_PATTERN$1.test(source)) return NOT_RESOLVED;
	let value = source.toLowerCase();
	const sign = value[0] === "-" ? -1 : 1;
	if ("+-".includes(value[0])) value = value.slice(1);
	if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
	if (value === ".nan") return NaN;
	const result = sign * parseFloat(value);
	if (Number.isFinite(result) || YAML_FLOAT_SPECIAL_PATTERN$1.test(source)) return result;
	return NOT_RESOLVED;
}
function representYamlFloat$2(object) {
	if (isNaN(object)) return ".nan";
	if (object === Number.POSITIVE_INFINITY) return ".inf";
	if (object === Number.NEGATIVE_INFINITY) return "-.inf";
	if (Object.is(object, -0)) return "-0.0";
	const result = object.toString(10);
	return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
/** @category Tags */
var floatCoreTag = defineScalarTag("tag:yaml.org,2002:float", {
	implicit: true,
	implicitFirstChars: [
		"-",
		"+",
		".",
		..."0123456789"
	],
	resolve: resolveYamlFloat$2,
	identify: (object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0),
	represent: representYamlFloat$2
});
//#endregion
//#region src/tag/scalar/float_json.ts
var YAML_FLOAT_IMPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^-?(?:0|[1-9][0-9]*)(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$");
var YAML_FLOAT_EXPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?[0-9]+(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
function resolveYamlFloat$1(source, isExplicit) {
	if (isExplicit) {
		if (!YAML_FLOAT_EXPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
		let value = source.toLowerCase();
		const sign = value[0] === "-" ? -1 : 1;
		if ("+-".includes(value[0])) value = value.slice(1);
		if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
		if (value === ".nan") return NaN;
		const result = sign * parseFloat(value);
		return Number.isFinite(result) ? result : NOT_RESOLVED;
	}
	if (!YAML_FLOAT_IMPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
	const result = Number(source);
	if (Number.isFinite(result)) return result;
	return NOT_RESOLVED;
}
function representYamlFloat$1(object) {
	if (isNaN(object)) return ".nan";
	if (object === Number.POSITIVE_INFINITY) return ".inf";
	if (object === Number.NEGATIVE_INFINITY) return "-.inf";
	if (Object.is(object, -0)) return "-0.0";
	const result = object.toString(10);
	return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
/** @category Tags */
var floatJsonTag = defineScalarTag("tag:yaml.org,2002:float", {
	implicit: true,
	implicitFirstChars: ["-", ..."0123456789"],
	resolve: resolveYamlFloat$1,
	identify: (object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0),
	represent: representYamlFloat$1
});
//#endregion
//#region src/tag/scalar/float_yaml11.ts
var YAML_FLOAT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?(?:(?:[0-9][0-9_]*)?\\.[0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
var YAML_FLOAT_SPECIAL_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
function resolveYamlFloat(source) {
	if (!YAML_FLOAT_PATTERN.test(source)) return NOT_RESOLVED;
	let value = source.toLowerCase().replace(/_/g, "");
	const sign = value[0] === "-" ? -1 : 1;
	if ("+-".includes(value[0])) value = value.slice(1);
	if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
	if (value === ".nan") return NaN;
	let result = 0;
	if (value.includes(":")) {
		for (const part of value.split(":")) result = result * 60 + Number(part);
		result *= sign;
	} else result = sign * parseFloat(value);
	if (Number.isFinite(result) || YAML_FLOAT_SPECIAL_PATTERN.test(source)) return result;
	return NOT_RESOLVED;
}
function representYamlFloat(object) {
	if (isNaN(object)) return ".nan";
	if (object === Number.POSITIVE_INFINITY) return ".inf";
	if (object === Number.NEGATIVE_INFINITY) return "-.inf";
	if (Object.is(object, -0)) return "-0.0";
	const result = object.toString(10);
	return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
/** @category Tags */
var floatYaml11Tag = defineScalarTag("tag:yaml.org,2002:float", {
	implicit: true,
	implicitFirstChars: [
		"-",
		"+",
		".",
		..."0123456789"
	],
	resolve: resolveYamlFloat,
	identify: (object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0),
	represent: representYamlFloat
});
//#endregion
//#region src/tag/scalar/merge.ts
/**
* Enables merge keys in {@link CORE_SCHEMA} when added with
* {@link Schema.withTags}.
*
* @category Tags
*/
var mergeTag = defineScalarTag("tag:yaml.org,2002:merge", {
	implicit: true,
	implicitFirstChars: ["<"],
	resolve: (source, isExplicit) => {
		if (source === "<<" || isExplicit && source === "") return "<<";
		return NOT_RESOLVED;
	},
	identify: () => false
});
//#endregion
//#region src/tag/scalar/binary.ts
var BASE64_PATTERN = /^[A-Za-z0-9+/]*={0,2}$/;
function resolveYamlBinary(source) {
	const input = source.replace(/\s/g, "");
	if (input.length % 4 !== 0 || !BASE64_PATTERN.test(input)) return NOT_RESOLVED;
	const binary = atob(input);
	const result = new Uint8Array(binary.length);
	for (let index = 0; index < binary.length; index++) result[index] = binary.charCodeAt(index);
	return result;
}
function representYamlBinary(object) {
	let binary = "";
	for (let index = 0; index < object.length; index++) binary += String.fromCharCode(object[index]);
	return btoa(binary);
}
/**
* The `!!binary` tag, represented as a `Uint8Array`.
*
* @category Tags
*/
var binaryTag = defineScalarTag("tag:yaml.org,2002:binary", {
	resolve: resolveYamlBinary,
	identify: (object) => Object.prototype.toString.call(object) === "[object Uint8Array]",
	represent: representYamlBinary
});
//#endregion
//#region src/tag/scalar/timestamp.ts
var YAML_DATE_REGEXP = /* @__PURE__ */ new RegExp("^([0-9][0-9][0-9][0-9])-([0-9][0-9])-([0-9][0-9])$");
var YAML_TIMESTAMP_REGEXP = /* @__PURE__ */ new RegExp("^([0-9][0-9][0-9][0-9])-([0-9][0-9]?)-([0-9][0-9]?)(?:[Tt]|[ \\t]+)([0-9][0-9]?):([0-9][0-9]):([0-9][0-9])(?:\\.([0-9]*))?(?:[ \\t]*(Z|([-+])([0-9][0-9]?)(?::([0-9][0-9]))?))?$");
function makeUtcDate(year, month, day, hour = 0, minute = 0, second = 0, fraction = 0) {
	const date = new Date(Date.UTC(year, month, day, hour, minute, second, fraction));
	date.setUTCFullYear(year, month, day);
	return date;
}
function resolveYamlTimestamp(source) {
	let match = YAML_DATE_REGEXP.exec(source);
	if (match === null) match = YAML_TIMESTAMP_REGEXP.exec(source);
	if (match === null) return NOT_RESOLVED;
	const year = +match[1];
	const month = +match[2] - 1;
	const day = +match[3];
	if (!match[4]) {
		const date = makeUtcDate(year, month, day);
		if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month || date.getUTCDate() !== day) return NOT_RESOLVED;
		return date;
	}
	const hour = +match[4];
	const minute = +match[5];
	const second = +match[6];
	let fraction = 0;
	if (hour > 23 || minute > 59 || second > 59) return NOT_RESOLVED;
	if (match[7]) {
		let value = match[7].slice(0, 3);
		while (value.length < 3) value += "0";
		fraction = +value;
	}
	const date = makeUtcDate(year, month, day, hour, minute, second, fraction);
	if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month || date.getUTCDate() !== day) return NOT_RESOLVED;
	if (match[9]) {
		const offsetHour = +match[10];
		const offsetMinute = +(match[11] || 0);
		if (offsetHour > 23 || offsetMinute > 59) return NOT_RESOLVED;
		const offset = (offsetHour * 60 + offsetMinute) * 6e4;
		date.setTime(date.getTime() - (match[9] === "-" ? -offset : offset));
	}
	return date;
}
/**
* The YAML 1.1 `!!timestamp` tag, represented as a JavaScript `Date`.
*
* @category Tags
*/
var timestampTag = defineScalarTag("tag:yaml.org,2002:timestamp", {
	implicit: true,
	implicitFirstChars: [..."0123456789"],
	resolve: resolveYamlTimestamp,
	identify: (object) => object instanceof Date,
	represent: (object) => object.toISOString()
});
//#endregion
//#region src/tag/sequence/seq.ts
/** @category Tags */
var seqTag = defineSequenceTag("tag:yaml.org,2002:seq", {
	create: () => [],
	addItem: (container, item) => {
		container.push(item);
	},
	identify: Array.isArray
});
//#endregion
//#region src/common/object.ts
function js_yaml_isPlainObject(data) {
	if (data === null || typeof data !== "object" || Array.isArray(data)) return false;
	const prototype = Object.getPrototypeOf(data);
	return prototype === null || prototype === Object.prototype;
}
function pick(object, keys) {
	const result = {};
	for (const key of keys) if (object[key] !== void 0) result[key] = object[key];
	return result;
}
//#endregion
//#region src/tag/sequence/omap.ts
/**
* Provided only for YAML 1.1 compatibility and supported by the loader only.
* JavaScript has no dedicated class to represent this type, so it cannot be
* identified and dumped.
*
* ```yaml
* !!omap
*   - one: 1
*   - two: 2
* ```
*
* is loaded as
*
* ```javascript
* [
*   { one: 1 },
*   { two: 2 }
* ]
* ```
*
* @category Tags
*/
var omapTag = defineSequenceTag("tag:yaml.org,2002:omap", {
	create: () => ({
		list: [],
		seen: /* @__PURE__ */ new Set()
	}),
	addItem: (carrier, item) => {
		let key;
		if (item instanceof Map) {
			if (item.size !== 1) return "cannot resolve an ordered map item";
			key = item.keys().next().value;
		} else if (js_yaml_isPlainObject(item)) {
			const itemKeys = Object.keys(item);
			if (itemKeys.length !== 1) return "cannot resolve an ordered map item";
			key = itemKeys[0];
		} else return "cannot resolve an ordered map item";
		if (carrier.seen.has(key)) return "duplicate key in ordered map";
		carrier.seen.add(key);
		carrier.list.push(item);
		return "";
	},
	finalize: (carrier) => carrier.list,
	identify: () => false
});
//#endregion
//#region src/tag/sequence/pairs.ts
/**
* Provided only for YAML 1.1 compatibility and supported by the loader only.
* JavaScript has no dedicated class to represent this type, so it cannot be
* identified and dumped.
*
* ```yaml
* !!pairs
*   - one: 1
*   - two: 2
* ```
*
* is loaded as
*
* ```javascript
* [
*   ['one', 1],
*   ['two', 2]
* ]
* ```
*
* @category Tags
*/
var pairsTag = defineSequenceTag("tag:yaml.org,2002:pairs", {
	create: () => [],
	addItem: (container, item) => {
		if (item instanceof Map) {
			if (item.size !== 1) return "cannot resolve a pairs item";
			container.push(item.entries().next().value);
			return "";
		}
		if (Object.prototype.toString.call(item) !== "[object Object]") return "cannot resolve a pairs item";
		const object = item;
		const keys = Object.keys(object);
		if (keys.length !== 1) return "cannot resolve a pairs item";
		container.push([keys[0], object[keys[0]]]);
		return "";
	},
	identify: () => false
});
//#endregion
//#region src/tag/mapping/map.ts
/**
* This is the default mapping implementation. It uses `{}` objects and has only
* partial functionality due to language limitations. This choice was made
* because users expect to get JavaScript objects, and it was left unchanged to
* avoid too many breaking changes in the v5 release.
*
* Side effects:
*
* - `Object.hasOwn()` checks or `for...of` loops are required for safe use (to
*   avoid falling through to prototypes).
* - Only scalar string keys are supported properly.
* - Other scalar keys, such as `null` and numbers, are converted to strings.
*   This is historical behaviour, and it can cause side effects such as
*   problems with `!!merge`.
*
* Note that non-string scalar keys may be deprecated in future versions.
*
* Ideally, use {@link realMapTag} instead.
*
* @category Tags
*/
var mapTag = defineMappingTag("tag:yaml.org,2002:map", {
	create: () => ({}),
	identify: js_yaml_isPlainObject,
	represent: (o) => {
		const map = /* @__PURE__ */ new Map();
		for (const key of Object.keys(o)) map.set(key, o[key]);
		return map;
	},
	addPair: (container, key, value) => {
		if (key !== null && typeof key === "object") return "object-based map does not support complex keys";
		const normalizedKey = String(key);
		if (normalizedKey === "__proto__") Object.defineProperty(container, normalizedKey, {
			value,
			enumerable: true,
			configurable: true,
			writable: true
		});
		else container[normalizedKey] = value;
		return "";
	},
	has: (container, key) => {
		if (key !== null && typeof key === "object") return false;
		return Object.prototype.hasOwnProperty.call(container, String(key));
	},
	keys: (container) => Object.keys(container),
	get: (container, key) => {
		const normalizedKey = String(key);
		if (!Object.prototype.hasOwnProperty.call(container, normalizedKey)) return null;
		return container[normalizedKey];
	}
});
//#endregion
//#region src/tag/mapping/set.ts
/**
* The YAML 1.1 `!!set` tag, represented as a JavaScript `Set`.
*
* @category Tags
*/
var setTag = defineMappingTag("tag:yaml.org,2002:set", {
	create: () => /* @__PURE__ */ new Set(),
	identify: (data) => data instanceof Set,
	represent: (data) => {
		const map = /* @__PURE__ */ new Map();
		for (const key of data) map.set(key, null);
		return map;
	},
	addPair: (container, key, value) => {
		if (value !== null) return "cannot resolve a set item";
		container.add(key);
		return "";
	},
	has: (container, key) => container.has(key),
	keys: (container) => container.keys(),
	get: () => null
});
//#endregion
//#region src/schema.ts
function createTagDefinitionMap() {
	return {
		scalar: Object.create(null),
		sequence: Object.create(null),
		mapping: Object.create(null)
	};
}
function createTagDefinitionListMap() {
	return {
		scalar: [],
		sequence: [],
		mapping: []
	};
}
function compileTags(tags) {
	const result = [];
	for (const tag of tags) {
		let index = result.length;
		for (let previousIndex = 0; previousIndex < result.length; previousIndex++) {
			const previous = result[previousIndex];
			if (previous.nodeKind === tag.nodeKind && previous.tagName === tag.tagName && previous.matchByTagPrefix === tag.matchByTagPrefix) {
				index = previousIndex;
				break;
			}
		}
		result[index] = tag;
	}
	return result;
}
/**
* Controls tag resolution when loading and type selection when dumping.
*
* @category Schemas
*/
var Schema = class Schema {
	tags;
	/** @internal */
	implicitScalarTags;
	/**
	* Dispatch implicit scalar resolvers by `source.charAt(0)`. Each bucket holds
	* the resolvers that may match that key, in schema order; a key absent from
	* the map uses
	* {@link Schema.implicitScalarAnyFirstChar}
	* (resolvers that declared no first-char constraint, so they apply to any
	* first character).
	*/
	implicitScalarByFirstChar;
	implicitScalarAnyFirstChar;
	/**
	* The default scalar tag (`!!str`), resolved once so the composer's fallback
	* for unresolved plain scalars avoids a keyed lookup per scalar.
	*
	* @internal
	*/
	defaultScalarTag;
	/**
	* The default container tags (`!!seq` / `!!map`), used by the dumper: when a
	* value is identified by its default tag, the tag is implicit and not
	* printed. Undefined if the schema does not define them (then such values
	* can't be dumped).
	*
	* @internal
	*/
	defaultSequenceTag;
	/** @internal */
	defaultMappingTag;
	exact;
	prefix;
	constructor(tags) {
		const compiledTags = compileTags(tags);
		const implicitScalarTags = [];
		const exact = createTagDefinitionMap();
		const prefix = createTagDefinitionListMap();
		for (const tag of compiledTags) {
			if (tag.nodeKind === "scalar" && tag.implicit) {
				if (tag.matchByTagPrefix) throw new Error("Implicit scalar tags cannot match by tag prefix");
				implicitScalarTags.push(tag);
			}
			switch (tag.nodeKind) {
				case "scalar":
					if (tag.matchByTagPrefix) prefix.scalar.push(tag);
					else exact.scalar[tag.tagName] = tag;
					break;
				case "sequence":
					if (tag.matchByTagPrefix) prefix.sequence.push(tag);
					else exact.sequence[tag.tagName] = tag;
					break;
				case "mapping": if (tag.matchByTagPrefix) prefix.mapping.push(tag);
				else exact.mapping[tag.tagName] = tag;
			}
		}
		const implicitScalarAnyFirstChar = implicitScalarTags.filter((tag) => tag.implicitFirstChars === null);
		const keys = /* @__PURE__ */ new Set();
		for (const tag of implicitScalarTags) if (tag.implicitFirstChars !== null) for (const key of tag.implicitFirstChars) keys.add(key);
		const implicitScalarByFirstChar = /* @__PURE__ */ new Map();
		for (const key of keys) implicitScalarByFirstChar.set(key, implicitScalarTags.filter((tag) => tag.implicitFirstChars === null || tag.implicitFirstChars.indexOf(key) !== -1));
		const defaultScalarTag = exact.scalar["tag:yaml.org,2002:str"];
		if (!defaultScalarTag) throw new Error("schema does not define the default scalar tag (tag:yaml.org,2002:str)");
		this.tags = compiledTags;
		this.implicitScalarTags = implicitScalarTags;
		this.implicitScalarByFirstChar = implicitScalarByFirstChar;
		this.implicitScalarAnyFirstChar = implicitScalarAnyFirstChar;
		this.defaultScalarTag = defaultScalarTag;
		this.defaultSequenceTag = exact.sequence["tag:yaml.org,2002:seq"];
		this.defaultMappingTag = exact.mapping["tag:yaml.org,2002:map"];
		this.exact = exact;
		this.prefix = prefix;
	}
	/** @internal */
	lookupScalarTag(tagName) {
		const exactTag = this.exact.scalar[tagName];
		if (exactTag) return exactTag;
		for (const tag of this.prefix.scalar) if (tagName.startsWith(tag.tagName)) return tag;
	}
	/** @internal */
	lookupSequenceTag(tagName) {
		const exactTag = this.exact.sequence[tagName];
		if (exactTag) return exactTag;
		for (const tag of this.prefix.sequence) if (tagName.startsWith(tag.tagName)) return tag;
	}
	/** @internal */
	lookupMappingTag(tagName) {
		const exactTag = this.exact.mapping[tagName];
		if (exactTag) return exactTag;
		for (const tag of this.prefix.mapping) if (tagName.startsWith(tag.tagName)) return tag;
	}
	/** @internal */
	resolveImplicitScalarTag(source) {
		const candidates = this.implicitScalarByFirstChar.get(source.charAt(0)) ?? this.implicitScalarAnyFirstChar;
		for (const tag of candidates) {
			const value = tag.resolve(source, false, tag.tagName);
			if (value !== NOT_RESOLVED) return {
				value,
				tag
			};
		}
		const tag = this.defaultScalarTag;
		return {
			value: tag.resolve(source, false, tag.tagName),
			tag
		};
	}
	/**
	* Creates a new schema with the specified tags added. If a tag already
	* exists, it is replaced by the specified tag.
	*
	* @example
	*
	* ```javascript
	* import { CORE_SCHEMA, mergeTag, realMapTag } from 'js-yaml'
	*
	* const schema = CORE_SCHEMA.withTags(mergeTag, realMapTag)
	* ```
	*/
	withTags(...tags) {
		let flatTags = [];
		for (const tag of tags) flatTags = flatTags.concat(tag);
		return new Schema([...this.tags, ...flatTags]);
	}
};
/**
* The YAML 1.2 Failsafe Schema: strings, sequences, and mappings.
*
* @category Schemas
*/
var FAILSAFE_SCHEMA = new Schema([
	strTag,
	seqTag,
	mapTag
]);
/**
* The YAML 1.2 JSON Schema. It uses JSON scalar forms while retaining YAML
* collection syntax.
*
* @category Schemas
*/
var JSON_SCHEMA = new Schema([
	...FAILSAFE_SCHEMA.tags,
	nullJsonTag,
	boolJsonTag,
	intJsonTag,
	floatJsonTag
]);
/**
* The default schema for the loaders. Note, {@link CORE_SCHEMA} comes
* without the `!!merge` tag. You can easily enable it if needed.
*
* @example
* Enable {@link mergeTag}:
*
* ```javascript
* import { load, CORE_SCHEMA, mergeTag } from 'js-yaml'
*
* try {
*   load(data, { schema: CORE_SCHEMA.withTags(mergeTag) })
* } catch (e) {
*   console.error(e)
* }
* ```
*
* @category Schemas
*/
var CORE_SCHEMA = new Schema([
	...FAILSAFE_SCHEMA.tags,
	nullCoreTag,
	boolCoreTag,
	intCoreTag,
	floatCoreTag
]);
/**
* YAML 1.1-compatible schema.
*
* @category Schemas
*/
var YAML11_SCHEMA = new Schema([
	...FAILSAFE_SCHEMA.tags,
	nullYaml11Tag,
	boolYaml11Tag,
	intYaml11Tag,
	floatYaml11Tag,
	timestampTag,
	mergeTag,
	binaryTag,
	omapTag,
	pairsTag,
	setTag
]);
/**
* The dumper schema for maximum compatibility. It combines all supported type
* variants from YAML 1.1 and YAML 1.2 so strings matching any of them are
* quoted. This makes the generated YAML more compatible with other parsers.
*
* The schema is based on YAML 1.1, but extends `!!int` and `!!float` to accept
* both YAML 1.1 and Core Schema forms, since Core Schema supports some forms
* that YAML 1.1 does not.
*
* @category Schemas
*/
var DUMP_SCHEMA = YAML11_SCHEMA.withTags({
	...intYaml11Tag,
	resolve: (source, isExplicit, tagName) => {
		const result = intYaml11Tag.resolve(source, isExplicit, tagName);
		return result === NOT_RESOLVED ? intCoreTag.resolve(source, isExplicit, tagName) : result;
	}
}, {
	...floatYaml11Tag,
	resolve: (source, isExplicit, tagName) => {
		const result = floatYaml11Tag.resolve(source, isExplicit, tagName);
		return result === NOT_RESOLVED ? floatCoreTag.resolve(source, isExplicit, tagName) : result;
	}
});
//#endregion
//#region src/tag/mapping/real_map.ts
/**
* Recommended when non-string keys are actually needed. It uses native
* JavaScript `Map` objects, so keys keep their constructed types instead of
* being converted to strings.
*
* It is not the default to avoid widespread breaking changes in existing
* projects. `Map` has a different access API and does not pass deep equality
* checks against `{}`-based fixtures. Alongside the other changes in v5,
* making it the default was considered too disruptive.
*
* If these differences are acceptable for your project, we recommend using
* {@link realMapTag} to guarantee the absence of problems and side effects.
*
* @example
* Enable {@link realMapTag}:
*
* ```javascript
* import { load, CORE_SCHEMA, realMapTag } from 'js-yaml'
*
* try {
*   load(data, { schema: CORE_SCHEMA.withTags(realMapTag) })
* } catch (e) {
*   console.error(e)
* }
* ```
*
* @category Tags
*/
var realMapTag = defineMappingTag("tag:yaml.org,2002:map", {
	create: () => /* @__PURE__ */ new Map(),
	addPair: (container, key, value) => {
		container.set(key, value);
		return "";
	},
	has: (container, key) => container.has(key),
	keys: (container) => container.keys(),
	get: (container, key) => container.get(key),
	identify: (data) => data instanceof Map || js_yaml_isPlainObject(data),
	represent: (data) => {
		if (data instanceof Map) return data;
		const map = /* @__PURE__ */ new Map();
		const obj = data;
		for (const key of Object.keys(obj)) map.set(key, obj[key]);
		return map;
	}
});
//#endregion
//#region src/tag/mapping/legacy_map.ts
function normalizeKey(key) {
	if (Array.isArray(key)) {
		const array = Array.prototype.slice.call(key);
		for (let index = 0; index < array.length; index++) {
			if (Array.isArray(array[index])) return null;
			if (typeof array[index] === "object" && Object.prototype.toString.call(array[index]) === "[object Object]") array[index] = "[object Object]";
		}
		return String(array);
	}
	if (typeof key === "object" && Object.prototype.toString.call(key) === "[object Object]") return "[object Object]";
	return String(key);
}
/**
* This implementation exists solely to reproduce v4 behavior exactly. Its use
* is strongly discouraged. If complex or non-string keys are needed, use
* {@link realMapTag} instead.
*
* @category Tags
*/
var legacyMapTag = defineMappingTag("tag:yaml.org,2002:map", {
	create: () => ({}),
	identify: js_yaml_isPlainObject,
	represent: (o) => {
		const map = /* @__PURE__ */ new Map();
		for (const key of Object.keys(o)) map.set(key, o[key]);
		return map;
	},
	addPair: (container, key, value) => {
		const normalizedKey = normalizeKey(key);
		if (normalizedKey === null) return "nested arrays are not supported inside keys";
		if (normalizedKey === "__proto__") Object.defineProperty(container, normalizedKey, {
			value,
			enumerable: true,
			configurable: true,
			writable: true
		});
		else container[normalizedKey] = value;
		return "";
	},
	has: (container, key) => {
		const normalizedKey = normalizeKey(key);
		return normalizedKey !== null && Object.prototype.hasOwnProperty.call(container, normalizedKey);
	},
	keys: (container) => Object.keys(container),
	get: (container, key) => {
		const normalizedKey = String(key);
		if (!Object.prototype.hasOwnProperty.call(container, normalizedKey)) return null;
		return container[normalizedKey];
	}
});
//#endregion
//#region src/common/snippet.ts
var DEFAULT_SNIPPET_OPTIONS = {
	maxLength: 79,
	indent: 1,
	linesBefore: 3,
	linesAfter: 2
};
function getLine(buffer, lineStart, lineEnd, position, maxLineLength) {
	let head = "";
	let tail = "";
	const maxHalfLength = Math.floor(maxLineLength / 2) - 1;
	if (position - lineStart > maxHalfLength) {
		head = " ... ";
		lineStart = position - maxHalfLength + head.length;
	}
	if (lineEnd - position > maxHalfLength) {
		tail = " ...";
		lineEnd = position + maxHalfLength - tail.length;
	}
	return {
		str: head + buffer.slice(lineStart, lineEnd).replace(/\t/g, "→") + tail,
		pos: position - lineStart + head.length
	};
}
function padStart(string, max) {
	return " ".repeat(Math.max(max - string.length, 0)) + string;
}
function makeSnippet(mark, options) {
	if (!mark.buffer) return null;
	const opts = {
		...DEFAULT_SNIPPET_OPTIONS,
		...options
	};
	const re = /\r?\n|\r|\0/g;
	const lineStarts = [0];
	const lineEnds = [];
	let match;
	let foundLineNo = -1;
	while (match = re.exec(mark.buffer)) {
		lineEnds.push(match.index);
		lineStarts.push(match.index + match[0].length);
		if (mark.position <= match.index && foundLineNo < 0) foundLineNo = lineStarts.length - 2;
	}
	if (foundLineNo < 0) foundLineNo = lineStarts.length - 1;
	let result = "";
	const lineNoLength = Math.min(mark.line + opts.linesAfter, lineEnds.length).toString().length;
	const maxLineLength = opts.maxLength - (opts.indent + lineNoLength + 3);
	for (let i = 1; i <= opts.linesBefore; i++) {
		if (foundLineNo - i < 0) break;
		const line = getLine(mark.buffer, lineStarts[foundLineNo - i], lineEnds[foundLineNo - i], mark.position - (lineStarts[foundLineNo] - lineStarts[foundLineNo - i]), maxLineLength);
		result = `${" ".repeat(opts.indent)}${padStart((mark.line - i + 1).toString(), lineNoLength)} | ${line.str}\n${result}`;
	}
	const line = getLine(mark.buffer, lineStarts[foundLineNo], lineEnds[foundLineNo], mark.position, maxLineLength);
	result += `${" ".repeat(opts.indent)}${padStart((mark.line + 1).toString(), lineNoLength)} | ${line.str}\n`;
	result += `${"-".repeat(opts.indent + lineNoLength + 3 + line.pos)}^\n`;
	for (let i = 1; i <= opts.linesAfter; i++) {
		if (foundLineNo + i >= lineEnds.length) break;
		const line = getLine(mark.buffer, lineStarts[foundLineNo + i], lineEnds[foundLineNo + i], mark.position - (lineStarts[foundLineNo] - lineStarts[foundLineNo + i]), maxLineLength);
		result += `${" ".repeat(opts.indent)}${padStart((mark.line + i + 1).toString(), lineNoLength)} | ${line.str}\n`;
	}
	return result.replace(/\n$/, "");
}
//#endregion
//#region src/common/exception.ts
function formatError(exception, compact) {
	let where = "";
	if (!exception.mark) return exception.reason;
	if (exception.mark.name) where += `in "${exception.mark.name}" `;
	where += `(${exception.mark.line + 1}:${exception.mark.column + 1})`;
	if (!compact && exception.mark.snippet) where += `\n\n${exception.mark.snippet}`;
	return `${exception.reason} ${where}`;
}
/**
* A YAML error. Unlike an ordinary `Error`, it adds a source snippet showing
* the location of the problem to the error message, when available.
*
* @category Main
*/
var YAMLException = class YAMLException extends Error {
	reason;
	mark;
	/**
	* Optional `mark` contains source snippet data. Usually, use
	* {@link YAMLException.throwAt} instead of passing it directly.
	*/
	constructor(reason, mark) {
		super();
		this.name = "YAMLException";
		this.reason = reason;
		this.mark = mark;
		this.message = formatError(this, false);
		if (Error.captureStackTrace) Error.captureStackTrace(this, this.constructor);
	}
	/**
	* Returns the formatted error, omitting the source snippet in compact mode.
	*/
	toString(compact) {
		return `${this.name}: ${formatError(this, compact)}`;
	}
	/**
	* Builds a YAMLException with a source snippet and throws it. `source` is
	* the raw input text; `position` is an offset into it.
	*/
	static throwAt(source, position, message, filename = "") {
		let line = 0;
		let lineStart = 0;
		for (let index = 0; index < position; index++) {
			const ch = source.charCodeAt(index);
			if (ch === 10) {
				line++;
				lineStart = index + 1;
			} else if (ch === 13) {
				line++;
				if (source.charCodeAt(index + 1) === 10) index++;
				lineStart = index + 1;
			}
		}
		const mark = {
			name: filename,
			buffer: source,
			position,
			line,
			column: position - lineStart
		};
		mark.snippet = makeSnippet(mark);
		throw new YAMLException(message, mark);
	}
};
//#endregion
//#region src/parser/events.ts
/** @category Events */
var EVENT_ID = {
	DOCUMENT: 1,
	SEQUENCE: 2,
	MAPPING: 3,
	SCALAR: 4,
	ALIAS: 5,
	POP: 6
};
/** @category Nodes */
var SCALAR_STYLE = {
	PLAIN: 1,
	SINGLE_QUOTED: 2,
	DOUBLE_QUOTED: 3,
	LITERAL_BLOCK: 4,
	FOLDED_BLOCK: 5
};
/** @category Nodes */
var COLLECTION_STYLE = {
	BLOCK: 1,
	FLOW: 2
};
/** @category Nodes */
var CHOMPING_MODE = {
	CLIP: 1,
	STRIP: 2,
	KEEP: 3
};
//#endregion
//#region src/parser/parser_scalar.ts
var NO_RANGE$3 = -1;
function simpleEscapeSequence(c) {
	switch (c) {
		case 48: return "\0";
		case 97: return "\x07";
		case 98: return "\b";
		case 116: return "	";
		case 9: return "	";
		case 110: return "\n";
		case 118: return "\v";
		case 102: return "\f";
		case 114: return "\r";
		case 101: return "\x1B";
		case 32: return " ";
		case 34: return "\"";
		case 47: return "/";
		case 92: return "\\";
		case 78: return "";
		case 95: return "\xA0";
		case 76: return "\u2028";
		case 80: return "\u2029";
		default: return "";
	}
}
var simpleEscapeCheck = new Array(256);
var simpleEscapeMap = new Array(256);
for (let i = 0; i < 256; i++) {
	simpleEscapeCheck[i] = simpleEscapeSequence(i) ? 1 : 0;
	simpleEscapeMap[i] = simpleEscapeSequence(i);
}
function charFromCodepoint(c) {
	if (c <= 65535) return String.fromCharCode(c);
	return String.fromCharCode((c - 65536 >> 10) + 55296, (c - 65536 & 1023) + 56320);
}
function fromHexCode$1(c) {
	if (c >= 48 && c <= 57) return c - 48;
	return (c | 32) - 97 + 10;
}
function escapedHexLen$1(c) {
	if (c === 120) return 2;
	if (c === 117) return 4;
	return 8;
}
function skipFoldedBreaks(input, position, end) {
	let breaks = 0;
	while (position < end) {
		const ch = input.charCodeAt(position);
		if (ch === 10) {
			breaks++;
			position++;
		} else if (ch === 13) {
			breaks++;
			position++;
			if (input.charCodeAt(position) === 10) position++;
		} else if (ch === 32 || ch === 9) position++;
		else break;
	}
	return {
		position,
		breaks
	};
}
function foldedBreaks(count) {
	if (count === 1) return " ";
	return "\n".repeat(count - 1);
}
function getPlainValue(input, start, end) {
	let result = "";
	let position = start;
	let captureStart = start;
	let captureEnd = start;
	while (position < end) {
		const ch = input.charCodeAt(position);
		if (ch === 10 || ch === 13) {
			result += input.slice(captureStart, captureEnd);
			const fold = skipFoldedBreaks(input, position, end);
			result += foldedBreaks(fold.breaks);
			position = captureStart = captureEnd = fold.position;
		} else {
			position++;
			if (ch !== 32 && ch !== 9) captureEnd = position;
		}
	}
	return result + input.slice(captureStart, captureEnd);
}
function getSingleQuotedValue(input, start, end) {
	let result = "";
	let position = start;
	let captureStart = start;
	let captureEnd = start;
	while (position < end) {
		const ch = input.charCodeAt(position);
		if (ch === 39) {
			result += input.slice(captureStart, position) + "'";
			position += 2;
			captureStart = captureEnd = position;
		} else if (ch === 10 || ch === 13) {
			result += input.slice(captureStart, captureEnd);
			const fold = skipFoldedBreaks(input, position, end);
			result += foldedBreaks(fold.breaks);
			position = captureStart = captureEnd = fold.position;
		} else {
			position++;
			if (ch !== 32 && ch !== 9) captureEnd = position;
		}
	}
	return result + input.slice(captureStart, end);
}
function getDoubleQuotedValue(input, start, end) {
	let result = "";
	let position = start;
	let captureStart = start;
	let captureEnd = start;
	while (position < end) {
		const ch = input.charCodeAt(position);
		if (ch === 92) {
			result += input.slice(captureStart, position);
			position++;
			const escaped = input.charCodeAt(position);
			if (escaped === 10 || escaped === 13) position = skipFoldedBreaks(input, position, end).position;
			else if (escaped < 256 && simpleEscapeCheck[escaped]) {
				result += simpleEscapeMap[escaped];
				position++;
			} else {
				let hexLength = escapedHexLen$1(escaped);
				let hexResult = 0;
				for (; hexLength > 0; hexLength--) {
					position++;
					const digit = fromHexCode$1(input.charCodeAt(position));
					hexResult = (hexResult << 4) + digit;
				}
				result += charFromCodepoint(hexResult);
				position++;
			}
			captureStart = captureEnd = position;
		} else if (ch === 10 || ch === 13) {
			result += input.slice(captureStart, captureEnd);
			const fold = skipFoldedBreaks(input, position, end);
			result += foldedBreaks(fold.breaks);
			position = captureStart = captureEnd = fold.position;
		} else {
			position++;
			if (ch !== 32 && ch !== 9) captureEnd = position;
		}
	}
	return result + input.slice(captureStart, end);
}
function getBlockValue(input, start, end, indent, chomping, folded) {
	const textIndent = indent < 0 ? 0 : indent;
	const region = input.slice(start, end).replace(/\r\n?/g, "\n");
	const lines = region === "" ? [] : (region.endsWith("\n") ? region.slice(0, -1) : region).split("\n");
	let result = "";
	let didReadContent = false;
	let emptyLines = 0;
	let atMoreIndented = false;
	for (const line of lines) {
		let column = 0;
		while (column < textIndent && line.charCodeAt(column) === 32) column++;
		if (indent < 0 || column >= line.length) {
			emptyLines++;
			continue;
		}
		const content = line.slice(textIndent);
		const first = content.charCodeAt(0);
		if (folded) {
			if (first === 32 || first === 9) {
				atMoreIndented = true;
				result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
			} else if (atMoreIndented) {
				atMoreIndented = false;
				result += "\n".repeat(emptyLines + 1);
			} else if (emptyLines === 0) {
				if (didReadContent) result += " ";
			} else result += "\n".repeat(emptyLines);
		} else result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
		result += content;
		didReadContent = true;
		emptyLines = 0;
	}
	if (chomping === CHOMPING_MODE.KEEP) result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
	else if (chomping !== CHOMPING_MODE.STRIP) {
		if (didReadContent) result += "\n";
	}
	return result;
}
/**
* Decodes the scalar referenced by event offsets in `input`.
*
* @category Events
*/
function getScalarValue(input, scalar) {
	if (scalar.valueStart === NO_RANGE$3) return "";
	const { valueStart, valueEnd } = scalar;
	if (scalar.fast) return input.slice(valueStart, valueEnd);
	switch (scalar.style) {
		case SCALAR_STYLE.SINGLE_QUOTED: return getSingleQuotedValue(input, valueStart, valueEnd);
		case SCALAR_STYLE.DOUBLE_QUOTED: return getDoubleQuotedValue(input, valueStart, valueEnd);
		case SCALAR_STYLE.LITERAL_BLOCK: return getBlockValue(input, valueStart, valueEnd, scalar.indent, scalar.chomping, false);
		case SCALAR_STYLE.FOLDED_BLOCK: return getBlockValue(input, valueStart, valueEnd, scalar.indent, scalar.chomping, true);
		default: return getPlainValue(input, valueStart, valueEnd);
	}
}
//#endregion
//#region src/common/tagname.ts
var DEFAULT_TAG_HANDLERS = Object.assign(Object.create(null), {
	"!": "!",
	"!!": "tag:yaml.org,2002:"
});
var TAG_SUFFIX_CHARS = "-#;/?:@&=+$_.~*'()";
var TAG_URI_CHARS = TAG_SUFFIX_CHARS + "!,[]";
var HEX = "0123456789ABCDEF";
function percentByte(byte) {
	return "%" + HEX[byte >> 4] + HEX[byte & 15];
}
function tagPercentEncode(source, isSuffix) {
	const allowed = isSuffix ? TAG_SUFFIX_CHARS : TAG_URI_CHARS;
	let result = "";
	for (let index = 0; index < source.length; index++) {
		let ch = source.charCodeAt(index);
		if (ch >= 48 && ch <= 57 || ch >= 65 && ch <= 90 || ch >= 97 && ch <= 122 || allowed.includes(source[index])) {
			result += source[index];
			continue;
		}
		if (ch >= 55296 && ch <= 56319) ch = 65536 + ((ch & 1023) << 10) + (source.charCodeAt(++index) & 1023);
		if (ch < 128) result += percentByte(ch);
		else if (ch < 2048) result += percentByte(192 | ch >> 6) + percentByte(128 | ch & 63);
		else if (ch < 65536) result += percentByte(224 | ch >> 12) + percentByte(128 | ch >> 6 & 63) + percentByte(128 | ch & 63);
		else result += percentByte(240 | ch >> 18) + percentByte(128 | ch >> 12 & 63) + percentByte(128 | ch >> 6 & 63) + percentByte(128 | ch & 63);
	}
	return result;
}
function tagPercentDecode(source) {
	let result = "";
	let index = 0;
	while (index < source.length) {
		if (source.charCodeAt(index) !== 37) {
			result += source[index++];
			continue;
		}
		let ch = parseInt(source.slice(index + 1, index + 3), 16);
		index += 3;
		if (ch >= 192) {
			let remaining = ch < 224 ? 1 : ch < 240 ? 2 : 3;
			ch &= (1 << 6 - remaining) - 1;
			while (remaining-- > 0) {
				ch = ch << 6 | parseInt(source.slice(index + 1, index + 3), 16) & 63;
				index += 3;
			}
		}
		if (ch < 65536) result += String.fromCharCode(ch);
		else {
			ch -= 65536;
			result += String.fromCharCode(55296 | ch >> 10, 56320 | ch & 1023);
		}
	}
	return result;
}
function tagNameFull(rawTag, tagHandlers) {
	if (rawTag.startsWith("!<") && rawTag.endsWith(">")) return tagPercentDecode(rawTag.slice(2, -1));
	const handleEnd = rawTag.indexOf("!", 1);
	const handle = handleEnd === -1 ? "!" : rawTag.slice(0, handleEnd + 1);
	return tagPercentDecode(tagHandlers?.[handle] ?? DEFAULT_TAG_HANDLERS[handle] ?? handle) + tagPercentDecode(rawTag.slice(handle.length));
}
function tagNameShort(fullTag) {
	let tag = fullTag;
	if (tag.charCodeAt(0) === 33) {
		tag = tag.slice(1);
		return `!${tagPercentEncode(tag, true)}`;
	}
	if (tag.slice(0, 18) === "tag:yaml.org,2002:") return `!!${tagPercentEncode(tag.slice(18), true)}`;
	return `!<${tagPercentEncode(tag, false)}>`;
}
//#endregion
//#region src/parser/constructor.ts
var NO_RANGE$2 = -1;
var MERGE_TAG_NAME = "tag:yaml.org,2002:merge";
var DEFAULT_CONSTRUCTOR_OPTIONS = {
	filename: "",
	schema: CORE_SCHEMA,
	json: false,
	maxTotalMergeKeys: 1e4,
	maxAliases: -1
};
function eventPosition$1(event) {
	if ("tagStart" in event && event.tagStart !== NO_RANGE$2) return event.tagStart;
	if ("anchorStart" in event && event.anchorStart !== NO_RANGE$2) return event.anchorStart;
	if ("valueStart" in event && event.valueStart !== NO_RANGE$2) return event.valueStart;
	if ("start" in event) return event.start;
	return 0;
}
function throwError$1(state, message) {
	YAMLException.throwAt(state.source, state.position, message, state.filename);
}
function finalizeCollection(state, position, tag, carrier) {
	try {
		return tag.finalize(carrier);
	} catch (error) {
		if (error instanceof YAMLException) throw error;
		YAMLException.throwAt(state.source, position, error instanceof Error ? error.message : String(error), state.filename);
	}
}
function constructScalar(state, event) {
	const source = getScalarValue(state.source, event);
	const rawTag = event.tagStart === NO_RANGE$2 ? "" : state.source.slice(event.tagStart, event.tagEnd);
	const strTag = state.schema.defaultScalarTag;
	if (rawTag !== "") {
		if (rawTag === "!") return {
			value: source,
			tag: strTag
		};
		const tagName = tagNameFull(rawTag, state.tagHandlers);
		const scalarTag = state.schema.lookupScalarTag(tagName);
		if (scalarTag) {
			const result = scalarTag.resolve(source, true, tagName);
			if (result === NOT_RESOLVED) throwError$1(state, `cannot resolve a node with !<${tagName}> explicit tag`);
			return {
				value: result,
				tag: scalarTag
			};
		}
		const collectionTagDef = state.schema.lookupMappingTag(tagName) ?? state.schema.lookupSequenceTag(tagName);
		if (collectionTagDef) {
			if (source !== "") throwError$1(state, `cannot resolve a node with !<${tagName}> explicit tag`);
			const carrier = collectionTagDef.create(tagName);
			return {
				value: collectionTagDef.carrierIsResult ? carrier : finalizeCollection(state, state.position, collectionTagDef, carrier),
				tag: collectionTagDef
			};
		}
		throwError$1(state, `unknown scalar tag !<${tagName}>`);
	}
	if (event.style === SCALAR_STYLE.PLAIN) return state.schema.resolveImplicitScalarTag(source);
	return {
		value: strTag.resolve(source, false, strTag.tagName),
		tag: strTag
	};
}
function collectionTagName(state, event, defaultTagName) {
	const rawTag = event.tagStart === NO_RANGE$2 ? "" : state.source.slice(event.tagStart, event.tagEnd);
	return rawTag === "" || rawTag === "!" ? defaultTagName : tagNameFull(rawTag, state.tagHandlers);
}
function isMappingTag(tag) {
	return tag.nodeKind === "mapping";
}
function chargeMergeWork(state) {
	state.totalMergeKeys++;
	if (state.maxTotalMergeKeys !== -1 && state.totalMergeKeys > state.maxTotalMergeKeys) throwError$1(state, `merge keys exceeded maxTotalMergeKeys (${state.maxTotalMergeKeys})`);
}
function mergeKeys(state, frame, source, sourceTag) {
	chargeMergeWork(state);
	for (const sourceKey of sourceTag.keys(source)) {
		chargeMergeWork(state);
		if (frame.tag.has(frame.value, sourceKey)) continue;
		const err = frame.tag.addPair(frame.value, sourceKey, sourceTag.get(source, sourceKey));
		if (err) throwError$1(state, err);
		frame.overridable ??= /* @__PURE__ */ new Set();
		frame.overridable.add(sourceKey);
	}
}
function mergeSource(state, frame, source, sourceTag) {
	state.position = frame.keyPosition;
	if (isMappingTag(sourceTag)) mergeKeys(state, frame, source, sourceTag);
	else if (sourceTag.nodeKind === "sequence" && Array.isArray(source)) {
		if (source.length > 100) throwError$1(state, "abnormal merge sequence size");
		for (const element of source) {
			const elementTag = state.nodeTags.get(element);
			if (!elementTag) throwError$1(state, "cannot merge mappings; the provided source object is unacceptable");
			mergeKeys(state, frame, element, elementTag);
		}
	} else throwError$1(state, "cannot merge mappings; the provided source object is unacceptable");
}
function addMappingValue(state, frame, key, value, tag) {
	state.position = frame.keyPosition;
	if (frame.keyIsMerge) {
		mergeSource(state, frame, value, tag);
		return;
	}
	if (!state.json && frame.tag.has(frame.value, key) && !frame.overridable?.has(key)) throwError$1(state, "duplicated mapping key");
	const err = frame.tag.addPair(frame.value, key, value);
	if (err) throwError$1(state, err);
	frame.overridable?.delete(key);
}
function addValue(state, value, tag) {
	const frame = state.frames[state.frames.length - 1];
	if (frame.kind === "document") {
		frame.value = value;
		frame.hasValue = true;
	} else if (frame.kind === "sequence") {
		if (isMappingTag(tag)) state.nodeTags.set(value, tag);
		const err = frame.tag.addItem(frame.value, value, frame.index++);
		if (err) throwError$1(state, err);
	} else if (frame.hasKey) {
		const key = frame.key;
		frame.key = void 0;
		frame.hasKey = false;
		addMappingValue(state, frame, key, value, tag);
	} else {
		frame.key = value;
		frame.keyPosition = state.position;
		frame.hasKey = true;
		frame.keyIsMerge = tag.tagName === MERGE_TAG_NAME;
	}
}
function storeAnchor(state, event, value, tag, isValueFinal) {
	if (event.anchorStart !== NO_RANGE$2) {
		const anchor = {
			value,
			tag,
			isValueFinal
		};
		state.anchors.set(state.source.slice(event.anchorStart, event.anchorEnd), anchor);
		return anchor;
	}
	return null;
}
/**
* Constructs JavaScript documents directly from parser events, without an
* intermediate AST.
*
* @category Events
*/
function constructFromEvents(events, options) {
	const state = {
		...DEFAULT_CONSTRUCTOR_OPTIONS,
		...options,
		events,
		documents: [],
		eventIndex: 0,
		position: 0,
		frames: [],
		anchors: /* @__PURE__ */ new Map(),
		nodeTags: /* @__PURE__ */ new Map(),
		tagHandlers: Object.create(null),
		totalMergeKeys: 0,
		aliasCount: 0
	};
	while (state.eventIndex < state.events.length) {
		const event = state.events[state.eventIndex++];
		state.position = eventPosition$1(event);
		switch (event.type) {
			case EVENT_ID.DOCUMENT:
				state.anchors = /* @__PURE__ */ new Map();
				state.nodeTags = /* @__PURE__ */ new Map();
				state.aliasCount = 0;
				state.tagHandlers = Object.create(null);
				for (const directive of event.directives) if (directive.kind === "tag") state.tagHandlers[directive.handle] = directive.prefix;
				state.frames.push({
					kind: "document",
					position: state.position,
					value: void 0,
					hasValue: false
				});
				break;
			case EVENT_ID.SCALAR: {
				const { value, tag } = constructScalar(state, event);
				storeAnchor(state, event, value, tag, true);
				addValue(state, value, tag);
				break;
			}
			case EVENT_ID.SEQUENCE: {
				const tagName = collectionTagName(state, event, "tag:yaml.org,2002:seq");
				const tag = state.schema.lookupSequenceTag(tagName);
				if (!tag) throwError$1(state, `unknown sequence tag !<${tagName}>`);
				const value = tag.create(tagName);
				const anchor = storeAnchor(state, event, value, tag, tag.carrierIsResult);
				state.frames.push({
					kind: "sequence",
					position: state.position,
					value,
					tag,
					anchor,
					index: 0
				});
				break;
			}
			case EVENT_ID.MAPPING: {
				const tagName = collectionTagName(state, event, "tag:yaml.org,2002:map");
				const tag = state.schema.lookupMappingTag(tagName);
				if (!tag) throwError$1(state, `unknown mapping tag !<${tagName}>`);
				const value = tag.create(tagName);
				const anchor = storeAnchor(state, event, value, tag, tag.carrierIsResult);
				state.frames.push({
					kind: "mapping",
					position: state.position,
					value,
					tag,
					anchor,
					key: void 0,
					keyPosition: state.position,
					hasKey: false,
					keyIsMerge: false,
					overridable: null
				});
				break;
			}
			case EVENT_ID.ALIAS: {
				if (state.maxAliases !== -1 && ++state.aliasCount > state.maxAliases) throwError$1(state, `aliases exceeded maxAliases (${state.maxAliases})`);
				const name = state.source.slice(event.anchorStart, event.anchorEnd);
				const anchor = state.anchors.get(name);
				if (!anchor) throwError$1(state, `unidentified alias "${name}"`);
				if (!anchor.isValueFinal) throwError$1(state, `recursive alias "${name}" is not supported for tag ${anchor.tag.tagName} because it uses finalize()`);
				addValue(state, anchor.value, anchor.tag);
				break;
			}
			case EVENT_ID.POP: {
				const frame = state.frames.pop();
				if (frame.kind === "mapping" && frame.hasKey) {
					state.position = frame.keyPosition;
					throwError$1(state, "incomplete mapping pair in event stream");
				}
				if (frame.kind === "document") state.documents.push(frame.value);
				else {
					const value = frame.tag.carrierIsResult ? frame.value : finalizeCollection(state, frame.position, frame.tag, frame.value);
					if (frame.anchor) {
						frame.anchor.value = value;
						frame.anchor.isValueFinal = true;
					}
					addValue(state, value, frame.tag);
				}
				break;
			}
		}
	}
	return state.documents;
}
//#endregion
//#region src/parser/parser.ts
var NO_RANGE$1 = -1;
var HAS_OWN = Object.prototype.hasOwnProperty;
var CONTEXT_FLOW_IN = 1;
var CONTEXT_FLOW_OUT = 2;
var CONTEXT_BLOCK_IN = 3;
var CONTEXT_BLOCK_OUT = 4;
var PATTERN_NON_PRINTABLE = /[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x84\x86-\x9F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:[^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/;
var PATTERN_FLOW_INDICATORS = /[,\[\]{}]/;
var PATTERN_TAG_HANDLE = /^(?:!|!!|![0-9A-Za-z-]+!)$/;
var NS_URI_CHAR = String.raw`(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z\-#;/?:@&=+$,_.!~*'()\[\]])`;
var NS_TAG_CHAR = String.raw`(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z\-#;/?:@&=+$.~*'()_])`;
var PATTERN_TAG_URI = new RegExp(`^(?:${NS_URI_CHAR})*$`);
var PATTERN_TAG_SUFFIX = new RegExp(`^(?:${NS_TAG_CHAR})+$`);
var PATTERN_TAG_PREFIX = new RegExp(`^(?:!(?:${NS_URI_CHAR})*|${NS_TAG_CHAR}(?:${NS_URI_CHAR})*)$`);
var DEFAULT_PARSER_OPTIONS = {
	filename: "",
	maxDepth: 100
};
function addDocumentEvent(state, explicitStart, explicitEnd) {
	state.events.push({
		type: EVENT_ID.DOCUMENT,
		explicitStart,
		explicitEnd,
		directives: state.directives
	});
}
function addSequenceEvent(state, start, anchorStart, anchorEnd, tagStart, tagEnd, style) {
	state.events.push({
		type: EVENT_ID.SEQUENCE,
		start,
		anchorStart,
		anchorEnd,
		tagStart,
		tagEnd,
		style
	});
}
function addMappingEvent(state, start, anchorStart, anchorEnd, tagStart, tagEnd, style) {
	state.events.push({
		type: EVENT_ID.MAPPING,
		start,
		anchorStart,
		anchorEnd,
		tagStart,
		tagEnd,
		style
	});
}
function insertFlowPairMappingEvent(state, snapshot) {
	state.events.splice(snapshot.eventsLength, 0, {
		type: EVENT_ID.MAPPING,
		start: snapshot.position,
		anchorStart: NO_RANGE$1,
		anchorEnd: NO_RANGE$1,
		tagStart: NO_RANGE$1,
		tagEnd: NO_RANGE$1,
		style: COLLECTION_STYLE.FLOW
	});
}
function addScalarEvent(state, valueStart, valueEnd, anchorStart, anchorEnd, tagStart, tagEnd, style, chomping = CHOMPING_MODE.CLIP, indent = -1, fast = false) {
	state.events.push({
		type: EVENT_ID.SCALAR,
		valueStart,
		valueEnd,
		anchorStart,
		anchorEnd,
		tagStart,
		tagEnd,
		style,
		chomping,
		indent,
		fast
	});
}
function addAliasEvent(state, anchorStart, anchorEnd) {
	state.events.push({
		type: EVENT_ID.ALIAS,
		anchorStart,
		anchorEnd
	});
}
function addPopEvent(state) {
	state.events.push({ type: EVENT_ID.POP });
}
function addEmptyScalarEvent(state) {
	addScalarEvent(state, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, SCALAR_STYLE.PLAIN);
}
function emptyProperties() {
	return {
		anchorStart: NO_RANGE$1,
		anchorEnd: NO_RANGE$1,
		tagStart: NO_RANGE$1,
		tagEnd: NO_RANGE$1
	};
}
function snapshotState(state) {
	return {
		position: state.position,
		line: state.line,
		lineStart: state.lineStart,
		lineIndent: state.lineIndent,
		firstTabInLine: state.firstTabInLine,
		eventsLength: state.events.length
	};
}
function restoreState(state, snapshot) {
	state.position = snapshot.position;
	state.line = snapshot.line;
	state.lineStart = snapshot.lineStart;
	state.lineIndent = snapshot.lineIndent;
	state.firstTabInLine = snapshot.firstTabInLine;
	state.events.length = snapshot.eventsLength;
}
function throwError(state, message) {
	YAMLException.throwAt(state.input.slice(0, state.length), state.position, message, state.filename);
}
function isEol(c) {
	return c === 10 || c === 13;
}
function isWhiteSpace(c) {
	return c === 9 || c === 32;
}
function isWsOrEol(c) {
	return isWhiteSpace(c) || isEol(c);
}
function isWsOrEolOrEnd(c) {
	return c === 0 || isWsOrEol(c);
}
function isFlowIndicator(c) {
	return c === 44 || c === 91 || c === 93 || c === 123 || c === 125;
}
function fromDecimalCode(c) {
	return c >= 48 && c <= 57 ? c - 48 : -1;
}
function fromHexCode(c) {
	if (c >= 48 && c <= 57) return c - 48;
	const lc = c | 32;
	if (lc >= 97 && lc <= 102) return lc - 97 + 10;
	return -1;
}
function escapedHexLen(c) {
	if (c === 120) return 2;
	if (c === 117) return 4;
	if (c === 85) return 8;
	return 0;
}
function isSimpleEscape(c) {
	return c === 48 || c === 97 || c === 98 || c === 116 || c === 9 || c === 110 || c === 118 || c === 102 || c === 114 || c === 101 || c === 32 || c === 34 || c === 47 || c === 92 || c === 78 || c === 95 || c === 76 || c === 80;
}
function consumeLineBreak(state) {
	if (state.input.charCodeAt(state.position) === 10) state.position++;
	else {
		state.position++;
		if (state.input.charCodeAt(state.position) === 10) state.position++;
	}
	state.line++;
	state.lineStart = state.position;
	state.lineIndent = 0;
	state.firstTabInLine = -1;
}
function skipSeparationSpace(state, allowComments) {
	let lineBreaks = 0;
	let ch = state.input.charCodeAt(state.position);
	let hasSeparation = state.position === state.lineStart || isWsOrEol(state.input.charCodeAt(state.position - 1));
	while (ch !== 0) {
		while (isWhiteSpace(ch)) {
			hasSeparation = true;
			if (ch === 9 && state.firstTabInLine === -1) state.firstTabInLine = state.position;
			ch = state.input.charCodeAt(++state.position);
		}
		if (allowComments && hasSeparation && ch === 35) do
			ch = state.input.charCodeAt(++state.position);
		while (!isEol(ch) && ch !== 0);
		if (!isEol(ch)) break;
		consumeLineBreak(state);
		lineBreaks++;
		hasSeparation = true;
		ch = state.input.charCodeAt(state.position);
		while (ch === 32) {
			state.lineIndent++;
			ch = state.input.charCodeAt(++state.position);
		}
	}
	return lineBreaks;
}
function testDocumentSeparator(state, position = state.position) {
	const ch = state.input.charCodeAt(position);
	if ((ch === 45 || ch === 46) && ch === state.input.charCodeAt(position + 1) && ch === state.input.charCodeAt(position + 2)) {
		const following = state.input.charCodeAt(position + 3);
		return following === 0 || isWsOrEol(following);
	}
	return false;
}
function skipByteOrderMark(state) {
	if (state.position === state.lineStart && state.input.charCodeAt(state.position) === 65279) {
		state.position++;
		state.lineStart = state.position;
	}
}
function testDocumentBoundary(state) {
	if (state.position !== state.lineStart) return false;
	if (testDocumentSeparator(state)) return true;
	if (state.input.charCodeAt(state.position) !== 65279) return false;
	const snapshot = snapshotState(state);
	skipByteOrderMark(state);
	skipSeparationSpace(state, true);
	const ch = state.input.charCodeAt(state.position);
	const result = state.position === state.lineStart && (ch === 37 || ch === 45 && testDocumentSeparator(state));
	restoreState(state, snapshot);
	return result;
}
function skipUntilLineEnd(state) {
	let ch = state.input.charCodeAt(state.position);
	while (ch !== 0 && !isEol(ch)) ch = state.input.charCodeAt(++state.position);
}
function checkPrintable(state, start, end) {
	const match = PATTERN_NON_PRINTABLE.exec(state.input.slice(start, end));
	if (match !== null) {
		state.position = start + match.index + match[0].length - 1;
		throwError(state, "the stream contains non-printable characters");
	}
}
function readTagProperty(state, props, inFlow) {
	if (state.input.charCodeAt(state.position) !== 33) return false;
	if (props.tagStart !== NO_RANGE$1) throwError(state, "duplication of a tag property");
	const start = state.position;
	let isVerbatim = false;
	let isNamed = false;
	let tagHandle = "!";
	let ch = state.input.charCodeAt(++state.position);
	if (ch === 60) {
		isVerbatim = true;
		ch = state.input.charCodeAt(++state.position);
	} else if (ch === 33) {
		isNamed = true;
		tagHandle = "!!";
		ch = state.input.charCodeAt(++state.position);
	}
	let suffixStart = state.position;
	let tagName;
	if (isVerbatim) {
		while (ch !== 0 && ch !== 62) ch = state.input.charCodeAt(++state.position);
		if (ch !== 62) throwError(state, "unexpected end of the stream within a verbatim tag");
		tagName = state.input.slice(suffixStart, state.position);
		state.position++;
	} else {
		while (ch !== 0 && !isWsOrEol(ch) && !(inFlow && isFlowIndicator(ch))) {
			if (ch === 33) {
				if (!isNamed) {
					tagHandle = state.input.slice(suffixStart - 1, state.position + 1);
					if (!PATTERN_TAG_HANDLE.test(tagHandle)) throwError(state, "named tag handle cannot contain such characters");
					isNamed = true;
					suffixStart = state.position + 1;
				} else throwError(state, "tag suffix cannot contain exclamation marks");
			}
			ch = state.input.charCodeAt(++state.position);
		}
		tagName = state.input.slice(suffixStart, state.position);
		if (PATTERN_FLOW_INDICATORS.test(tagName)) throwError(state, "tag suffix cannot contain flow indicator characters");
	}
	if (tagName && !(isVerbatim ? PATTERN_TAG_URI.test(tagName) : PATTERN_TAG_SUFFIX.test(tagName))) throwError(state, `tag name cannot contain such characters: ${tagName}`);
	if (!isVerbatim && tagHandle !== "!" && tagHandle !== "!!" && !HAS_OWN.call(state.tagHandlers, tagHandle)) throwError(state, `undeclared tag handle "${tagHandle}"`);
	props.tagStart = start;
	props.tagEnd = state.position;
	return true;
}
function readAnchorProperty(state, props) {
	if (state.input.charCodeAt(state.position) !== 38) return false;
	if (props.anchorStart !== NO_RANGE$1) throwError(state, "duplication of an anchor property");
	state.position++;
	const start = state.position;
	while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position)) && !isFlowIndicator(state.input.charCodeAt(state.position))) state.position++;
	if (state.position === start) throwError(state, "name of an anchor node must contain at least one character");
	props.anchorStart = start;
	props.anchorEnd = state.position;
	return true;
}
function readAlias(state, props) {
	if (state.input.charCodeAt(state.position) !== 42) return false;
	if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) throwError(state, "alias node should not have any properties");
	state.position++;
	const start = state.position;
	while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position)) && !isFlowIndicator(state.input.charCodeAt(state.position))) state.position++;
	if (state.position === start) throwError(state, "name of an alias node must contain at least one character");
	addAliasEvent(state, start, state.position);
	return true;
}
function readFlowScalarBreak(state, nodeIndent) {
	skipSeparationSpace(state, false);
	if (state.lineIndent < nodeIndent) throwError(state, "deficient indentation");
}
function readSingleQuotedScalar(state, nodeIndent, props) {
	if (state.input.charCodeAt(state.position) !== 39) return false;
	state.position++;
	const start = state.position;
	let simple = true;
	while (state.input.charCodeAt(state.position) !== 0) {
		const ch = state.input.charCodeAt(state.position);
		if (ch === 39) {
			if (state.input.charCodeAt(state.position + 1) === 39) {
				simple = false;
				state.position += 2;
				continue;
			}
			const end = state.position;
			state.position++;
			addScalarEvent(state, start, end, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.SINGLE_QUOTED, CHOMPING_MODE.CLIP, -1, simple);
			return true;
		}
		if (isEol(ch)) {
			simple = false;
			readFlowScalarBreak(state, nodeIndent);
		} else if (state.position === state.lineStart && testDocumentSeparator(state)) throwError(state, "unexpected end of the document within a single quoted scalar");
		else if (ch !== 9 && ch < 32) throwError(state, "expected valid JSON character");
		else state.position++;
	}
	throwError(state, "unexpected end of the stream within a single quoted scalar");
}
function readDoubleQuotedScalar(state, nodeIndent, props) {
	if (state.input.charCodeAt(state.position) !== 34) return false;
	state.position++;
	const start = state.position;
	let simple = true;
	while (state.input.charCodeAt(state.position) !== 0) {
		const ch = state.input.charCodeAt(state.position);
		if (ch === 34) {
			const end = state.position;
			state.position++;
			addScalarEvent(state, start, end, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.DOUBLE_QUOTED, CHOMPING_MODE.CLIP, -1, simple);
			return true;
		}
		if (ch === 92) {
			simple = false;
			const escaped = state.input.charCodeAt(++state.position);
			if (isEol(escaped)) readFlowScalarBreak(state, nodeIndent);
			else if (isSimpleEscape(escaped)) state.position++;
			else {
				let hexLength = escapedHexLen(escaped);
				if (hexLength === 0) throwError(state, "unknown escape sequence");
				while (hexLength-- > 0) {
					state.position++;
					if (fromHexCode(state.input.charCodeAt(state.position)) < 0) throwError(state, "expected hexadecimal character");
				}
				state.position++;
			}
		} else if (isEol(ch)) {
			simple = false;
			readFlowScalarBreak(state, nodeIndent);
		} else if (state.position === state.lineStart && testDocumentSeparator(state)) throwError(state, "unexpected end of the document within a double quoted scalar");
		else if (ch !== 9 && ch < 32) throwError(state, "expected valid JSON character");
		else state.position++;
	}
	throwError(state, "unexpected end of the stream within a double quoted scalar");
}
function readBlockScalar(state, parentIndent, props) {
	const ch = state.input.charCodeAt(state.position);
	let chomping = CHOMPING_MODE.CLIP;
	let indent = -1;
	let detectedIndent = false;
	if (ch !== 124 && ch !== 62) return false;
	const style = ch === 124 ? SCALAR_STYLE.LITERAL_BLOCK : SCALAR_STYLE.FOLDED_BLOCK;
	state.position++;
	while (state.input.charCodeAt(state.position) !== 0) {
		const current = state.input.charCodeAt(state.position);
		const digit = fromDecimalCode(current);
		if (current === 43 || current === 45) {
			if (chomping !== CHOMPING_MODE.CLIP) throwError(state, "repeat of a chomping mode identifier");
			chomping = current === 43 ? CHOMPING_MODE.KEEP : CHOMPING_MODE.STRIP;
			state.position++;
		} else if (digit >= 0) {
			if (digit === 0) throwError(state, "bad explicit indentation width of a block scalar; it cannot be less than one");
			if (detectedIndent) throwError(state, "repeat of an indentation width identifier");
			indent = parentIndent + digit - 1;
			detectedIndent = true;
			state.position++;
		} else break;
	}
	let hadWhitespace = false;
	while (isWhiteSpace(state.input.charCodeAt(state.position))) {
		hadWhitespace = true;
		state.position++;
	}
	if (hadWhitespace && state.input.charCodeAt(state.position) === 35) skipUntilLineEnd(state);
	if (isEol(state.input.charCodeAt(state.position))) consumeLineBreak(state);
	else if (state.input.charCodeAt(state.position) !== 0) throwError(state, "a line break is expected");
	let contentIndent = detectedIndent ? indent : -1;
	let maxLeadingIndent = 0;
	const valueStart = state.position;
	let valueEnd = state.position;
	while (state.input.charCodeAt(state.position) !== 0) {
		const linePosition = state.position;
		let column = 0;
		while (state.input.charCodeAt(linePosition + column) === 32) column++;
		const first = state.input.charCodeAt(linePosition + column);
		if (first === 0) {
			if (contentIndent >= 0) {
				if (column > contentIndent) valueEnd = linePosition + column;
			} else if (column > 0) valueEnd = linePosition + column;
			break;
		}
		if (testDocumentBoundary(state)) break;
		if (!detectedIndent && contentIndent === -1 && isEol(first)) maxLeadingIndent = Math.max(maxLeadingIndent, column);
		if (!detectedIndent && contentIndent === -1 && !isEol(first)) {
			if (first === 9 && column < parentIndent) {
				state.position = linePosition + column;
				throwError(state, "tab characters must not be used in indentation");
			}
			if (column >= parentIndent && column < maxLeadingIndent) {
				state.position = linePosition + column;
				throwError(state, "bad indentation of a mapping entry");
			}
		}
		if (contentIndent === -1 && first !== 0 && !isEol(first) && column < parentIndent) {
			state.lineIndent = column;
			state.position = linePosition + column;
			break;
		}
		if (!detectedIndent && first !== 0 && !isEol(first) && contentIndent === -1) contentIndent = column;
		const requiredIndent = contentIndent === -1 ? parentIndent + 1 : contentIndent;
		if (first !== 0 && !isEol(first) && column < requiredIndent) {
			state.lineIndent = column;
			state.position = linePosition + column;
			break;
		}
		skipUntilLineEnd(state);
		valueEnd = state.position;
		if (isEol(state.input.charCodeAt(state.position))) {
			consumeLineBreak(state);
			valueEnd = state.position;
		}
	}
	checkPrintable(state, valueStart, valueEnd);
	addScalarEvent(state, valueStart, valueEnd, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, style, chomping, contentIndent);
	return true;
}
function canStartPlainScalar(state, nodeContext) {
	const ch = state.input.charCodeAt(state.position);
	const inFlow = nodeContext === CONTEXT_FLOW_IN;
	if (ch === 0 || isWsOrEol(ch) || ch === 35 || ch === 38 || ch === 42 || ch === 33 || ch === 124 || ch === 62 || ch === 39 || ch === 34 || ch === 37 || ch === 64 || ch === 96 || isFlowIndicator(ch)) return false;
	if (ch === 63 || ch === 45) {
		const following = state.input.charCodeAt(state.position + 1);
		if (isWsOrEolOrEnd(following) || inFlow && isFlowIndicator(following)) return false;
	}
	return true;
}
function readPlainScalar(state, nodeIndent, nodeContext, props) {
	if (!canStartPlainScalar(state, nodeContext)) return false;
	const start = state.position;
	let end = state.position;
	let ch = state.input.charCodeAt(state.position);
	const inFlow = nodeContext === CONTEXT_FLOW_IN;
	let multiline = false;
	while (ch !== 0) {
		if (testDocumentBoundary(state)) break;
		if (ch === 58) {
			const following = state.input.charCodeAt(state.position + 1);
			if (isWsOrEolOrEnd(following) || inFlow && isFlowIndicator(following)) break;
		} else if (ch === 35) {
			if (isWsOrEol(state.input.charCodeAt(state.position - 1))) break;
		} else if (inFlow && isFlowIndicator(ch)) break;
		else if (isEol(ch)) {
			const savedPosition = state.position;
			const savedLine = state.line;
			const savedLineStart = state.lineStart;
			const savedLineIndent = state.lineIndent;
			skipSeparationSpace(state, false);
			if (state.lineIndent >= nodeIndent) {
				multiline = true;
				ch = state.input.charCodeAt(state.position);
				continue;
			}
			state.position = savedPosition;
			state.line = savedLine;
			state.lineStart = savedLineStart;
			state.lineIndent = savedLineIndent;
			break;
		}
		if (!isWhiteSpace(ch)) end = state.position + 1;
		ch = state.input.charCodeAt(++state.position);
	}
	if (end === start) return false;
	checkPrintable(state, start, end);
	addScalarEvent(state, start, end, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.PLAIN, CHOMPING_MODE.CLIP, -1, !multiline);
	return true;
}
function skipFlowSeparationSpace(state, nodeIndent) {
	const startLine = state.line;
	skipSeparationSpace(state, true);
	if (state.line > startLine && state.lineIndent < nodeIndent || state.firstTabInLine !== -1 && state.lineIndent < nodeIndent) throwError(state, "deficient indentation");
}
function readFlowCollection(state, nodeIndent, props) {
	const ch = state.input.charCodeAt(state.position);
	const isMapping = ch === 123;
	const start = state.position;
	let readNext = true;
	if (ch !== 91 && ch !== 123) return false;
	const terminator = isMapping ? 125 : 93;
	if (isMapping) addMappingEvent(state, start, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.FLOW);
	else addSequenceEvent(state, start, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.FLOW);
	state.position++;
	while (state.input.charCodeAt(state.position) !== 0) {
		skipFlowSeparationSpace(state, nodeIndent);
		let ch = state.input.charCodeAt(state.position);
		if (ch === terminator) {
			state.position++;
			addPopEvent(state);
			return true;
		} else if (!readNext) throwError(state, "missed comma between flow collection entries");
		else if (ch === 44) throwError(state, "expected the node content, but found ','");
		let isPair = false;
		let isExplicitPair = false;
		if (ch === 63 && isWsOrEol(state.input.charCodeAt(state.position + 1))) {
			isPair = isExplicitPair = true;
			state.position += 1;
			skipFlowSeparationSpace(state, nodeIndent);
		}
		const entryLine = state.line;
		const entryStart = snapshotState(state);
		const keyWasRead = parseNode(state, nodeIndent, CONTEXT_FLOW_IN, false, true);
		skipFlowSeparationSpace(state, nodeIndent);
		ch = state.input.charCodeAt(state.position);
		if ((isMapping || isExplicitPair || state.line === entryLine) && ch === 58) {
			isPair = true;
			state.position++;
			skipFlowSeparationSpace(state, nodeIndent);
			if (!isMapping) {
				insertFlowPairMappingEvent(state, entryStart);
				if (!keyWasRead) addEmptyScalarEvent(state);
			} else if (!keyWasRead) addEmptyScalarEvent(state);
			if (!parseNode(state, nodeIndent, CONTEXT_FLOW_IN, false, true)) addEmptyScalarEvent(state);
			skipFlowSeparationSpace(state, nodeIndent);
			if (!isMapping) addPopEvent(state);
		} else if (isMapping && isPair) {
			if (!keyWasRead) addEmptyScalarEvent(state);
			addEmptyScalarEvent(state);
		} else if (isMapping) addEmptyScalarEvent(state);
		else if (isPair) {
			insertFlowPairMappingEvent(state, entryStart);
			if (!keyWasRead) addEmptyScalarEvent(state);
			addEmptyScalarEvent(state);
			addPopEvent(state);
		}
		ch = state.input.charCodeAt(state.position);
		if (ch === 44) {
			readNext = true;
			state.position++;
		} else readNext = false;
	}
	throwError(state, "unexpected end of the stream within a flow collection");
}
function readBlockSequence(state, nodeIndent, props) {
	if (state.firstTabInLine !== -1 || state.input.charCodeAt(state.position) !== 45 || !isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) return false;
	addSequenceEvent(state, state.position, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.BLOCK);
	while (state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) {
		if (state.firstTabInLine !== -1) {
			state.position = state.firstTabInLine;
			throwError(state, "tab characters must not be used in indentation");
		}
		const entryLine = state.line;
		state.position++;
		const hadBreak = skipSeparationSpace(state, true) > 0;
		if (state.firstTabInLine !== -1 && state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) throwError(state, "bad indentation of a sequence entry");
		if (hadBreak && state.lineIndent <= nodeIndent) addEmptyScalarEvent(state);
		else parseNode(state, nodeIndent, CONTEXT_BLOCK_IN, false, true);
		skipSeparationSpace(state, true);
		if (state.lineIndent < nodeIndent || state.position >= state.length) break;
		if (state.lineIndent > nodeIndent) throwError(state, "bad indentation of a sequence entry");
		if (state.line === entryLine && state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) throwError(state, "bad indentation of a sequence entry");
	}
	addPopEvent(state);
	return true;
}
function readBlockMapping(state, nodeIndent, flowIndent, props) {
	let atExplicitKey = false;
	let detected = false;
	let mappingOpened = false;
	let pendingExplicitKey = false;
	if (state.firstTabInLine !== -1) return false;
	let ch = state.input.charCodeAt(state.position);
	while (ch !== 0) {
		if (!atExplicitKey && state.firstTabInLine !== -1) {
			state.position = state.firstTabInLine;
			throwError(state, "tab characters must not be used in indentation");
		}
		const following = state.input.charCodeAt(state.position + 1);
		const entryLine = state.line;
		if ((ch === 63 || ch === 58) && isWsOrEolOrEnd(following)) {
			if (!mappingOpened) {
				addMappingEvent(state, state.position, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.BLOCK);
				mappingOpened = true;
			}
			if (ch === 63) {
				if (atExplicitKey) addEmptyScalarEvent(state);
				detected = true;
				atExplicitKey = true;
			} else if (atExplicitKey) atExplicitKey = false;
			else {
				addEmptyScalarEvent(state);
				detected = true;
				atExplicitKey = false;
			}
			state.position += 1;
			pendingExplicitKey = true;
		} else {
			if (atExplicitKey) {
				addEmptyScalarEvent(state);
				atExplicitKey = false;
			}
			const beforeKey = snapshotState(state);
			if (!parseNode(state, flowIndent, CONTEXT_FLOW_OUT, false, true)) break;
			if (state.line === entryLine) {
				ch = state.input.charCodeAt(state.position);
				while (isWhiteSpace(ch)) ch = state.input.charCodeAt(++state.position);
				if (ch === 58) {
					ch = state.input.charCodeAt(++state.position);
					if (!isWsOrEolOrEnd(ch)) throwError(state, "a whitespace character is expected after the key-value separator within a block mapping");
					if (!mappingOpened) {
						state.events.splice(beforeKey.eventsLength, 0, {
							type: EVENT_ID.MAPPING,
							start: beforeKey.position,
							anchorStart: props.anchorStart,
							anchorEnd: props.anchorEnd,
							tagStart: props.tagStart,
							tagEnd: props.tagEnd,
							style: COLLECTION_STYLE.BLOCK
						});
						mappingOpened = true;
					}
					detected = true;
					atExplicitKey = false;
					pendingExplicitKey = false;
				} else if (detected) throwError(state, "expected ':' after a mapping key");
				else {
					if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) {
						restoreState(state, beforeKey);
						return false;
					}
					return true;
				}
			} else if (detected) throwError(state, "can not read a block mapping entry; a multiline key may not be an implicit key");
			else {
				if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) {
					restoreState(state, beforeKey);
					return false;
				}
				return true;
			}
		}
		if (parseNode(state, nodeIndent, CONTEXT_BLOCK_OUT, true, pendingExplicitKey)) pendingExplicitKey = false;
		if (!atExplicitKey) {
			if (pendingExplicitKey) {
				addEmptyScalarEvent(state);
				pendingExplicitKey = false;
			}
		}
		skipSeparationSpace(state, true);
		ch = state.input.charCodeAt(state.position);
		if ((state.line === entryLine || state.lineIndent > nodeIndent) && ch !== 0) throwError(state, "bad indentation of a mapping entry");
		else if (state.lineIndent < nodeIndent) break;
	}
	if (!detected) return false;
	if (atExplicitKey) addEmptyScalarEvent(state);
	if (mappingOpened) addPopEvent(state);
	return true;
}
function parseNode(state, parentIndent, nodeContext, allowToSeek, allowCompact, allowPropertyMapping = true) {
	if (state.depth >= state.maxDepth) throwError(state, `nesting exceeded maxDepth (${state.maxDepth})`);
	state.depth++;
	let indentStatus = 1;
	let atNewLine = false;
	let hasContent = false;
	let propertyStart = null;
	const props = emptyProperties();
	let allowBlockScalars = nodeContext === CONTEXT_BLOCK_OUT || nodeContext === CONTEXT_BLOCK_IN;
	let allowBlockCollections = allowBlockScalars;
	const allowBlockStyles = allowBlockScalars;
	if (allowToSeek && skipSeparationSpace(state, true)) {
		atNewLine = true;
		if (state.lineIndent > parentIndent) indentStatus = 1;
		else if (state.lineIndent === parentIndent) indentStatus = 0;
		else indentStatus = -1;
	}
	if (indentStatus === 1) while (true) {
		const ch = state.input.charCodeAt(state.position);
		const propertyState = snapshotState(state);
		if (atNewLine && indentStatus !== 1 && (ch === 33 || ch === 38)) break;
		if (atNewLine && allowBlockStyles && (props.tagStart !== NO_RANGE$1 || props.anchorStart !== NO_RANGE$1) && (ch === 33 || ch === 38)) {
			const fallbackState = snapshotState(state);
			const flowIndent = parentIndent + 1;
			if (readBlockMapping(state, state.position - state.lineStart, flowIndent, props) && state.events[fallbackState.eventsLength]?.type === EVENT_ID.MAPPING) {
				state.depth--;
				return true;
			}
			restoreState(state, fallbackState);
		}
		if (atNewLine && (ch === 33 && props.tagStart !== NO_RANGE$1 || ch === 38 && props.anchorStart !== NO_RANGE$1)) break;
		if (!readTagProperty(state, props, nodeContext === CONTEXT_FLOW_IN) && !readAnchorProperty(state, props)) break;
		if (propertyStart === null) propertyStart = propertyState;
		if (skipSeparationSpace(state, true)) {
			atNewLine = true;
			allowBlockCollections = allowBlockStyles;
			if (state.lineIndent > parentIndent) indentStatus = 1;
			else if (state.lineIndent === parentIndent) indentStatus = 0;
			else indentStatus = -1;
		} else allowBlockCollections = false;
	}
	if (allowBlockCollections) allowBlockCollections = atNewLine || allowCompact;
	if (indentStatus === 1 || nodeContext === CONTEXT_BLOCK_OUT) {
		const flowIndent = nodeContext === CONTEXT_FLOW_IN || nodeContext === CONTEXT_FLOW_OUT ? parentIndent : parentIndent + 1;
		const blockIndent = state.position - state.lineStart;
		if (indentStatus === 1) {
			if (allowBlockCollections && (readBlockSequence(state, blockIndent, props) || readBlockMapping(state, blockIndent, flowIndent, props)) || readFlowCollection(state, flowIndent, props)) hasContent = true;
			else {
				const ch = state.input.charCodeAt(state.position);
				if (propertyStart !== null && allowPropertyMapping && allowBlockStyles && !allowBlockCollections && ch !== 124 && ch !== 62) {
					const fallbackState = snapshotState(state);
					const propertyIndent = propertyStart.position - propertyStart.lineStart;
					restoreState(state, propertyStart);
					if (readBlockMapping(state, propertyIndent, flowIndent, emptyProperties()) && state.events[fallbackState.eventsLength]?.type === EVENT_ID.MAPPING) hasContent = true;
					else restoreState(state, fallbackState);
				}
				if (!hasContent && (allowBlockScalars && readBlockScalar(state, flowIndent, props) || readSingleQuotedScalar(state, flowIndent, props) || readDoubleQuotedScalar(state, flowIndent, props) || readAlias(state, props) || readPlainScalar(state, flowIndent, nodeContext, props))) hasContent = true;
			}
		} else if (indentStatus === 0) hasContent = allowBlockCollections && readBlockSequence(state, blockIndent, props);
	}
	allowBlockScalars = allowBlockScalars && !hasContent;
	if (!hasContent && (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1 || allowBlockScalars)) {
		addScalarEvent(state, NO_RANGE$1, NO_RANGE$1, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.PLAIN);
		hasContent = true;
	}
	state.depth--;
	return hasContent || props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1;
}
function readDirective(state) {
	if (state.lineIndent > 0 || state.input.charCodeAt(state.position) !== 37) return false;
	state.position++;
	const nameStart = state.position;
	while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position))) state.position++;
	const name = state.input.slice(nameStart, state.position);
	const args = [];
	if (name.length === 0) throwError(state, "directive name must not be less than one character in length");
	while (state.input.charCodeAt(state.position) !== 0 && !isEol(state.input.charCodeAt(state.position))) {
		while (isWhiteSpace(state.input.charCodeAt(state.position))) state.position++;
		if (state.input.charCodeAt(state.position) === 35 || isEol(state.input.charCodeAt(state.position)) || state.input.charCodeAt(state.position) === 0) break;
		const start = state.position;
		while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position))) state.position++;
		args.push(state.input.slice(start, state.position));
	}
	if (isEol(state.input.charCodeAt(state.position))) consumeLineBreak(state);
	if (name === "YAML") {
		if (state.directives.some((directive) => directive.kind === "yaml")) throwError(state, "duplication of %YAML directive");
		if (args.length !== 1) throwError(state, "YAML directive accepts exactly one argument");
		const match = /^([0-9]+)\.([0-9]+)$/.exec(args[0]);
		if (match === null) throwError(state, "ill-formed argument of the YAML directive");
		if (parseInt(match[1], 10) !== 1) throwError(state, "unacceptable YAML version of the document");
		state.directives.push({
			kind: "yaml",
			version: args[0]
		});
	} else if (name === "TAG") {
		if (args.length !== 2) throwError(state, "TAG directive accepts exactly two arguments");
		const [handle, prefix] = args;
		if (!PATTERN_TAG_HANDLE.test(handle)) throwError(state, "ill-formed tag handle (first argument) of the TAG directive");
		if (HAS_OWN.call(state.tagHandlers, handle)) throwError(state, `there is a previously declared suffix for "${handle}" tag handle`);
		if (!PATTERN_TAG_PREFIX.test(prefix)) throwError(state, "ill-formed tag prefix (second argument) of the TAG directive");
		state.tagHandlers[handle] = prefix;
		state.directives.push({
			kind: "tag",
			handle,
			prefix
		});
	}
	return true;
}
function readDocument(state) {
	state.directives = [];
	state.tagHandlers = Object.create(null);
	let hasDirectives = false;
	skipSeparationSpace(state, true);
	while (readDirective(state)) {
		hasDirectives = true;
		skipSeparationSpace(state, true);
	}
	let explicitStart = false;
	let explicitEnd = false;
	let allowCompact = true;
	if (state.lineIndent === 0 && state.input.charCodeAt(state.position) === 45 && state.input.charCodeAt(state.position + 1) === 45 && state.input.charCodeAt(state.position + 2) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 3))) {
		explicitStart = true;
		const markerLine = state.line;
		state.position += 3;
		skipSeparationSpace(state, true);
		allowCompact = state.line > markerLine;
	} else if (hasDirectives) throwError(state, "directives end mark is expected");
	const documentEventIndex = state.events.length;
	if (!explicitStart && state.position === state.lineStart && state.input.charCodeAt(state.position) === 46 && testDocumentSeparator(state)) {
		state.position += 3;
		skipSeparationSpace(state, true);
		return;
	}
	addDocumentEvent(state, explicitStart, false);
	if (!parseNode(state, state.lineIndent - 1, CONTEXT_BLOCK_OUT, false, allowCompact, allowCompact)) addEmptyScalarEvent(state);
	skipSeparationSpace(state, true);
	if (state.position === state.lineStart && testDocumentSeparator(state)) {
		explicitEnd = state.input.charCodeAt(state.position) === 46;
		if (explicitEnd) {
			const markerLine = state.line;
			state.position += 3;
			skipSeparationSpace(state, true);
			if (state.line === markerLine && state.position < state.length) throwError(state, "end of the stream or a document separator is expected");
		}
	}
	const documentEvent = state.events[documentEventIndex];
	if (documentEvent?.type === EVENT_ID.DOCUMENT) documentEvent.explicitEnd = explicitEnd;
	addPopEvent(state);
	if (!explicitEnd && state.position < state.length && !testDocumentBoundary(state)) throwError(state, "end of the stream or a document separator is expected");
}
/**
* Parses YAML into a flat event stream referencing source text by offsets.
*
* @category Events
*/
function parseEvents(input, options) {
	const length = input.length;
	const state = {
		...DEFAULT_PARSER_OPTIONS,
		...options,
		input: `${input}\0`,
		length,
		position: 0,
		line: 0,
		lineStart: 0,
		lineIndent: 0,
		firstTabInLine: -1,
		depth: 0,
		directives: [],
		tagHandlers: Object.create(null),
		events: []
	};
	const nullpos = input.indexOf("\0");
	if (nullpos !== -1) YAMLException.throwAt(input, nullpos, "null byte is not allowed in input", state.filename);
	while (state.position < state.length) {
		skipByteOrderMark(state);
		skipSeparationSpace(state, true);
		if (state.position >= state.length) break;
		const documentStart = state.position;
		readDocument(state);
		if (state.position === documentStart)
 /* c8 ignore next */
		throwError(state, "can not read a document");
	}
	return state.events;
}
//#endregion
//#region src/load.ts
var DEFAULT_LOAD_OPTIONS = {
	...DEFAULT_PARSER_OPTIONS,
	...DEFAULT_CONSTRUCTOR_OPTIONS
};
function loadDocuments(input, options = {}) {
	const opts = {
		...DEFAULT_LOAD_OPTIONS,
		...options
	};
	const source = String(input);
	const PARSER_OPT_KEYS = Object.keys(DEFAULT_PARSER_OPTIONS);
	const CONSTRUCTOR_OPT_KEYS = Object.keys(DEFAULT_CONSTRUCTOR_OPTIONS);
	return constructFromEvents(parseEvents(source, pick(opts, PARSER_OPT_KEYS)), {
		...pick(opts, CONSTRUCTOR_OPT_KEYS),
		source
	});
}
function loadAll(input, iteratorOrOptions, options) {
	let iterator = null;
	if (typeof iteratorOrOptions === "function") iterator = iteratorOrOptions;
	else if (iteratorOrOptions !== null && typeof iteratorOrOptions === "object") options = iteratorOrOptions;
	const documents = loadDocuments(input, options);
	if (iterator === null) return documents;
	for (const document of documents) iterator(document);
}
/**
* Parses `string` as a single YAML document. Throws {@link YAMLException} on
* error. This function does not understand multi-document or empty sources; it
* throws an exception on those.
*
* > [!NOTE]
* > 1. When processing untrusted input, see the
* >    [security considerations](../docs/safety.md).
* > 2. All exceptions MUST be caught, not just {@link YAMLException}.
* > 3. The default {@link CORE_SCHEMA} comes without the `!!merge` tag. You can
* >    easily enable it if needed.
* > 4. The default {@link mapTag} is `{}`-object based, with known limitations
* >    (see description). For full compatibility use {@link realMapTag}
* >    instead (it uses native JS `Map`).
*
* @example
* Enable {@link mergeTag} and {@link realMapTag}:
*
* ```javascript
* import { load, CORE_SCHEMA, mergeTag, realMapTag } from 'js-yaml'
*
* try {
*   load(data, { schema: CORE_SCHEMA.withTags(mergeTag, realMapTag) })
* } catch (e) {
*   console.error(e)
* }
* ```
*
* @category Main
*/
function load(input, options) {
	const documents = loadDocuments(input, options);
	if (documents.length === 0) throw new YAMLException("expected a document, but the input is empty");
	if (documents.length === 1) return documents[0];
	throw new YAMLException("expected a single document in the stream, but found more");
}
//#endregion
//#region src/ast/from_js.ts
var INVALID = Symbol("INVALID");
function buildRepresentTypes(schema) {
	const defaultTags = new Set([
		schema.defaultScalarTag,
		schema.defaultSequenceTag,
		schema.defaultMappingTag
	].filter((t) => t !== void 0));
	const implicitScalars = schema.implicitScalarTags;
	const explicitTags = schema.tags.filter((t) => !(t.nodeKind === "scalar" && t.implicit) && !defaultTags.has(t));
	const defaultTagsLast = schema.tags.filter((t) => defaultTags.has(t));
	return [
		...implicitScalars.map((tag) => ({
			tag,
			implicitTag: true
		})),
		...explicitTags.map((tag) => ({
			tag,
			implicitTag: false
		})),
		...defaultTagsLast.map((tag) => ({
			tag,
			implicitTag: true
		}))
	];
}
function matchTag(state, object) {
	for (let index = 0, length = state.representTypes.length; index < length; index += 1) {
		const { tag, implicitTag } = state.representTypes[index];
		if (tag.identify(object)) {
			let tagName;
			if (tag.matchByTagPrefix) tagName = tag.representTagName(object);
			else tagName = tag.tagName;
			return {
				tag,
				tagName,
				implicitTag
			};
		}
	}
	return null;
}
function build(state, object) {
	if (!state.noRefs && object !== null && typeof object === "object") {
		const existing = state.refs.get(object);
		if (existing) {
			if (existing.anchor === void 0) existing.anchor = `ref_${state.refCounter++}`;
			return {
				kind: "alias",
				anchor: existing.anchor
			};
		}
	}
	const matched = matchTag(state, object);
	if (!matched) {
		if (object === void 0) return INVALID;
		if (state.skipInvalid) return INVALID;
		throw new YAMLException(`unacceptable kind of an object to dump ${Object.prototype.toString.call(object)}`);
	}
	const { tag, tagName, implicitTag } = matched;
	const nodeTagName = implicitTag ? tagName : tagNameShort(tagName);
	if (tag.nodeKind === "scalar") return {
		kind: "scalar",
		tag: nodeTagName,
		tagged: !implicitTag,
		style: SCALAR_STYLE.PLAIN,
		value: tag.represent(object)
	};
	if (tag.nodeKind === "sequence") {
		const container = tag.represent(object);
		const node = {
			kind: "sequence",
			tag: nodeTagName,
			tagged: !implicitTag,
			style: COLLECTION_STYLE.BLOCK,
			items: []
		};
		if (!state.noRefs) state.refs.set(object, node);
		for (let index = 0, length = container.length; index < length; index += 1) {
			let item = build(state, container[index]);
			if (item === INVALID && container[index] === void 0) item = build(state, null);
			if (item === INVALID) continue;
			node.items.push(item);
		}
		return node;
	}
	const map = tag.represent(object);
	const node = {
		kind: "mapping",
		tag: nodeTagName,
		tagged: !implicitTag,
		style: COLLECTION_STYLE.BLOCK,
		items: []
	};
	if (!state.noRefs) state.refs.set(object, node);
	for (const [objectKey, objectValue] of map) {
		const key = build(state, objectKey);
		if (key === INVALID) continue;
		const value = build(state, objectValue);
		if (value === INVALID) continue;
		node.items.push({
			key,
			value
		});
	}
	return node;
}
/**
* Convert JS object to AST. A JS value is one YAML document. An unrepresentable
* root becomes an empty document, which the presenter renders as an empty
* string.
*
* @category AST
*/
function jsToAst(input, schema, options = {}) {
	const root = build({
		representTypes: buildRepresentTypes(schema),
		noRefs: options.noRefs ?? false,
		skipInvalid: options.skipInvalid ?? false,
		refs: /* @__PURE__ */ new Map(),
		refCounter: 0
	}, input);
	return [{
		contents: root === INVALID ? null : root,
		directives: []
	}];
}
//#endregion
//#region src/ast/visit.ts
/**
* Return from a visitor to stop the whole traversal.
*
* @category AST
*/
var VISIT_BREAK = Symbol("visit:break");
/**
* Return from a visitor to skip the current node's children.
*
* @category AST
*/
var VISIT_SKIP = Symbol("visit:skip");
function visitNode(node, visitor, ctx) {
	const control = visitor(node, ctx);
	if (control === VISIT_BREAK) return true;
	if (control === VISIT_SKIP) return false;
	const depth = ctx.depth + 1;
	switch (node.kind) {
		case "sequence":
			for (const item of node.items) if (visitNode(item, visitor, {
				depth,
				parent: node,
				isKey: false
			})) return true;
			break;
		case "mapping": for (const { key, value } of node.items) {
			if (visitNode(key, visitor, {
				depth,
				parent: node,
				isKey: true
			})) return true;
			if (visitNode(value, visitor, {
				depth,
				parent: node,
				isKey: false
			})) return true;
		}
	}
	return false;
}
/**
* Walk every node in the documents, calling {@link Visitor} once per
* node (pre-order).
*
* @category AST
*/
function visit(documents, visitor) {
	for (const doc of documents) if (doc.contents && visitNode(doc.contents, visitor, {
		depth: 0,
		parent: null,
		isKey: false
	})) return;
}
//#endregion
//#region src/ast/styler_defaults.ts
function hasBit(mask, bit) {
	return (mask & 1 << bit) !== 0;
}
/**
* Default scalar styling rules in application order.
* See [Scalar styling](../../docs/scalar_styling.md) for usage details.
*
* @category AST
*/
var DEFAULT_SCALAR_STYLE_RULES = {
	applyQuoteFlowKeysOption,
	doubleQuoteForInvisibles,
	doubleQuoteWhitespaceOnly,
	applyForceQuotesOption,
	tryLongOrMultilineAsBlock,
	quoteInvalidPlain,
	fallbackToDoubleQuoted
};
function _preferredQuotedStyle(layout) {
	if (layout.presenterOptions.quoteStyle === "single" && hasBit(layout.allowedStylesMask, SCALAR_STYLE.SINGLE_QUOTED)) return SCALAR_STYLE.SINGLE_QUOTED;
	return SCALAR_STYLE.DOUBLE_QUOTED;
}
function applyQuoteFlowKeysOption(layout) {
	if (!layout.presenterOptions.quoteFlowKeys) return;
	if (!layout.isKey || !layout.flowOnly || layout.style !== SCALAR_STYLE.PLAIN) return;
	layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function doubleQuoteForInvisibles(layout) {
	if (layout.style === SCALAR_STYLE.PLAIN && /[\t\x7F-\xA0\u2028\u2029\uFEFF\uFFFE\uFFFF]/.test(layout.node.value)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function doubleQuoteWhitespaceOnly(layout) {
	if (layout.style === SCALAR_STYLE.PLAIN && /^\s+$/.test(layout.node.value)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function applyForceQuotesOption(layout) {
	if (!layout.presenterOptions.forceQuotes) return;
	if (layout.isKey || layout.style !== SCALAR_STYLE.PLAIN) return;
	if (layout.node.tag !== layout.presenterOptions.schema.defaultScalarTag.tagName) return;
	layout.style = layout.node.value.includes("\n") ? SCALAR_STYLE.DOUBLE_QUOTED : _preferredQuotedStyle(layout);
}
function tryLongOrMultilineAsBlock(layout) {
	if (layout.style !== SCALAR_STYLE.PLAIN || layout.isKey) return;
	const value = layout.node.value;
	const multiline = value.indexOf("\n") !== -1;
	if (!hasBit(layout.allowedStylesMask, SCALAR_STYLE.LITERAL_BLOCK)) {
		if (multiline) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
		return;
	}
	const w = layout.presenterOptions.lineWidth;
	if (w === -1) {
		if (multiline) layout.style = SCALAR_STYLE.LITERAL_BLOCK;
		return;
	}
	const availableWidth = Math.max(Math.min(w, 40), w - layout.shiftOfContent);
	let position = 0;
	let shouldFold = false;
	while (position <= value.length) {
		let lineEnd = value.length;
		const nextLineBreak = value.indexOf("\n", position);
		if (nextLineBreak !== -1) lineEnd = nextLineBreak;
		const line = value.slice(position, lineEnd);
		if (line.length > availableWidth && line[0] !== " " && / [^ \t]/.test(line)) shouldFold = true;
		if (nextLineBreak === -1) break;
		position = nextLineBreak + 1;
	}
	if (shouldFold) layout.style = SCALAR_STYLE.FOLDED_BLOCK;
	else if (multiline) layout.style = SCALAR_STYLE.LITERAL_BLOCK;
}
function quoteInvalidPlain(layout) {
	if (layout.style === SCALAR_STYLE.PLAIN && !hasBit(layout.allowedStylesMask, SCALAR_STYLE.PLAIN)) layout.style = _preferredQuotedStyle(layout);
}
function fallbackToDoubleQuoted(layout) {
	if (!hasBit(layout.allowedStylesMask, layout.style)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
//#endregion
//#region src/ast/scalar_styler.ts
function setBit(mask, bit) {
	return mask | 1 << bit;
}
var SRC_C_PRINTABLE = "[\\x09\\x0A\\x0D\\x20-\\x7E\\x85\\xA0-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]";
var SRC_B_CHAR = "[\\n\\r]";
var SRC_C_BYTE_ORDER_MARK = "\\uFEFF";
var SRC_S_WHITE = "[ \\t]";
var SRC_NB_CHAR = `(?:(?!(?:${SRC_B_CHAR}|${SRC_C_BYTE_ORDER_MARK}))${SRC_C_PRINTABLE})`;
var SRC_NS_CHAR = `(?:(?!${SRC_S_WHITE})${SRC_NB_CHAR})`;
var SRC_NB_JSON = "[\\x09\\x20-\\uD7FF\\uE000-\\uFFFF\\u{10000}-\\u{10FFFF}]";
var SRC_C_INDICATOR = "[-?:,\\[\\]{}#&*!|>'\"%@`]";
var SRC_C_FLOW_INDICATOR = "[,\\[\\]{}]";
var SRC_NS_PLAIN_SAFE_FLOW_OUT = SRC_NS_CHAR;
var SRC_NS_PLAIN_SAFE_FLOW_IN = `(?:(?!${SRC_C_FLOW_INDICATOR})${SRC_NS_CHAR})`;
var SRC_NS_PLAIN_FIRST_FLOW_OUT = `(?:(?:(?!${SRC_C_INDICATOR})${SRC_NS_CHAR})|[?:-](?=${SRC_NS_PLAIN_SAFE_FLOW_OUT}))`;
var SRC_NS_PLAIN_FIRST_FLOW_IN = `(?:(?:(?!${SRC_C_INDICATOR})${SRC_NS_CHAR})|[?:-](?=${SRC_NS_PLAIN_SAFE_FLOW_IN}))`;
var SRC_NS_PLAIN_CHAR_FLOW_OUT = `(?:(?:(?![:#])${SRC_NS_PLAIN_SAFE_FLOW_OUT})|:(?=${SRC_NS_PLAIN_SAFE_FLOW_OUT}))#*`;
var SRC_NS_PLAIN_CHAR_FLOW_IN = `(?:(?:(?![:#])${SRC_NS_PLAIN_SAFE_FLOW_IN})|:(?=${SRC_NS_PLAIN_SAFE_FLOW_IN}))#*`;
var SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT = `(?:${SRC_S_WHITE}*${SRC_NS_PLAIN_CHAR_FLOW_OUT})*`;
var SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN = `(?:${SRC_S_WHITE}*${SRC_NS_PLAIN_CHAR_FLOW_IN})*`;
var SRC_NS_PLAIN_ONE_LINE_FLOW_OUT = `${SRC_NS_PLAIN_FIRST_FLOW_OUT}#*${SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT}`;
var SRC_NS_PLAIN_ONE_LINE_FLOW_IN = `${SRC_NS_PLAIN_FIRST_FLOW_IN}#*${SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN}`;
var SRC_NS_PLAIN_ONE_LINE_BLOCK_KEY = SRC_NS_PLAIN_ONE_LINE_FLOW_OUT;
var SRC_NS_PLAIN_ONE_LINE_FLOW_KEY = SRC_NS_PLAIN_ONE_LINE_FLOW_IN;
var SRC_S_NS_PLAIN_NEXT_LINE_FLOW_OUT = `\\n+${SRC_NS_PLAIN_CHAR_FLOW_OUT}${SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT}`;
var SRC_S_NS_PLAIN_NEXT_LINE_FLOW_IN = `\\n+${SRC_NS_PLAIN_CHAR_FLOW_IN}${SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN}`;
var SRC_NS_PLAIN_MULTI_LINE_FLOW_OUT = `${SRC_NS_PLAIN_ONE_LINE_FLOW_OUT}(?:${SRC_S_NS_PLAIN_NEXT_LINE_FLOW_OUT})*`;
var SRC_NS_PLAIN_MULTI_LINE_FLOW_IN = `${SRC_NS_PLAIN_ONE_LINE_FLOW_IN}(?:${SRC_S_NS_PLAIN_NEXT_LINE_FLOW_IN})*`;
var NS_PLAIN_FLOW_OUT = new RegExp(`^(?:${SRC_NS_PLAIN_MULTI_LINE_FLOW_OUT})$`, "u");
var NS_PLAIN_FLOW_IN = new RegExp(`^(?:${SRC_NS_PLAIN_MULTI_LINE_FLOW_IN})$`, "u");
var NS_PLAIN_BLOCK_KEY = new RegExp(`^(?:${SRC_NS_PLAIN_ONE_LINE_BLOCK_KEY})$`, "u");
var NS_PLAIN_FLOW_KEY = new RegExp(`^(?:${SRC_NS_PLAIN_ONE_LINE_FLOW_KEY})$`, "u");
var NB_SINGLE_ONE_LINE = new RegExp(`^(?:${SRC_NB_JSON})*$`, "u");
var NB_SINGLE_MULTI_LINE = new RegExp(`^(?:${SRC_NB_JSON}|\\n)*$`, "u");
var BLOCK_SCALAR_CONTENT = new RegExp(`^(?:${SRC_NB_CHAR}|\\n)*$`, "u");
var C_FORBIDDEN_FIRST_LINE = /^(?:---|\.\.\.)(?=$|[ \t\n\r])/;
var C_FORBIDDEN_CONTENT = /^(?:---|\.\.\.)(?=$|[ \t\n\r])/m;
function canUsePlain(layout) {
	const str = layout.node.value;
	if (str !== "") {
		if (!(layout.isKey ? layout.flowOnly ? NS_PLAIN_FLOW_KEY : NS_PLAIN_BLOCK_KEY : layout.flowOnly ? NS_PLAIN_FLOW_IN : NS_PLAIN_FLOW_OUT).test(str)) return false;
		if (layout.shiftOfFirstLine === 0 && C_FORBIDDEN_FIRST_LINE.test(str)) return false;
		if (layout.shiftOfContent === 0) {
			const firstLineBreak = str.indexOf("\n");
			if (firstLineBreak !== -1) {
				const content = str.slice(firstLineBreak + 1);
				if (C_FORBIDDEN_CONTENT.test(content)) return false;
			}
		}
	}
	const resolvedTag = layout.presenterOptions.schema.resolveImplicitScalarTag(str).tag.tagName;
	if (!layout.node.tagged && resolvedTag !== layout.node.tag) return false;
	if (!layout.node.tagged && str === "=" && resolvedTag === layout.presenterOptions.schema.defaultScalarTag.tagName) return false;
	return true;
}
function canUseSingleQuoted(layout) {
	const str = layout.node.value;
	if (!(layout.isKey ? NB_SINGLE_ONE_LINE : NB_SINGLE_MULTI_LINE).test(str)) return false;
	if (/[ \t]\n|\n[ \t]/.test(str)) return false;
	if (!layout.isKey && layout.shiftOfContent === 0) {
		const firstLineBreak = str.indexOf("\n");
		if (firstLineBreak !== -1 && C_FORBIDDEN_CONTENT.test(str.slice(firstLineBreak + 1))) return false;
	}
	return true;
}
function canUseBlock(layout) {
	if (layout.flowOnly || !BLOCK_SCALAR_CONTENT.test(layout.node.value)) return false;
	const contentIndent = layout.shiftOfContent - layout.shiftOfParent;
	if (contentIndent < 1) return false;
	if (contentIndent > 9 && /^\n* /.test(layout.node.value)) return false;
	if (layout.shiftOfContent === 0 && C_FORBIDDEN_CONTENT.test(layout.node.value)) return false;
	return true;
}
function detectAllowedStyles(layout) {
	let mask = setBit(0, SCALAR_STYLE.DOUBLE_QUOTED);
	if (canUsePlain(layout)) mask = setBit(mask, SCALAR_STYLE.PLAIN);
	if (canUseSingleQuoted(layout)) mask = setBit(mask, SCALAR_STYLE.SINGLE_QUOTED);
	if (canUseBlock(layout)) mask = setBit(setBit(mask, SCALAR_STYLE.LITERAL_BLOCK), SCALAR_STYLE.FOLDED_BLOCK);
	layout.allowedStylesMask = mask;
}
function renderScalar(layout) {
	switch (layout.style) {
		case SCALAR_STYLE.PLAIN: return renderPlain(layout);
		case SCALAR_STYLE.SINGLE_QUOTED: return renderSingleQuoted(layout);
		case SCALAR_STYLE.LITERAL_BLOCK: return renderLiteralBlock(layout);
		case SCALAR_STYLE.FOLDED_BLOCK: return renderFoldedBlock(layout);
		case SCALAR_STYLE.DOUBLE_QUOTED: return renderDoubleQuoted(layout);
	}
}
function renderPlain(layout) {
	return encodeFlowBreaks(layout.node.value, layout.shiftOfContent);
}
function renderSingleQuoted(layout) {
	return `'${encodeFlowBreaks(layout.node.value, layout.shiftOfContent).replace(/'/g, "''")}'`;
}
function renderLiteralBlock(layout) {
	const value = layout.node.value;
	return "|" + blockHeader(value, layout.shiftOfParent, layout.shiftOfContent) + dropEndingNewline(indentString(value, layout.shiftOfContent));
}
function renderFoldedBlock(layout) {
	const value = layout.node.value;
	const w = layout.presenterOptions.lineWidth;
	let availableWidth = Infinity;
	if (w !== -1) availableWidth = Math.max(Math.min(w, 40), w - layout.shiftOfContent);
	return ">" + blockHeader(value, layout.shiftOfParent, layout.shiftOfContent) + dropEndingNewline(indentString(foldBlockScalar(value, availableWidth), layout.shiftOfContent));
}
function renderDoubleQuoted(layout) {
	return `"${escapeString(layout.node.value)}"`;
}
function encodeFlowBreaks(string, shiftOfContent) {
	let nextLF = string.indexOf("\n");
	if (nextLF === -1) return string;
	const pad = " ".repeat(shiftOfContent);
	let result = string.slice(0, nextLF);
	const lineRe = /(\n+)([^\n]*)/g;
	lineRe.lastIndex = nextLF;
	let match;
	while (match = lineRe.exec(string)) {
		const breaks = match[1].length;
		const line = match[2];
		result += "\n".repeat(breaks + 1) + pad + line;
	}
	return result;
}
function indentString(string, spaces) {
	const indent = " ".repeat(spaces);
	let position = 0;
	let result = "";
	const length = string.length;
	while (position < length) {
		let line;
		const next = string.indexOf("\n", position);
		if (next === -1) {
			line = string.slice(position);
			position = length;
		} else {
			line = string.slice(position, next + 1);
			position = next + 1;
		}
		if (line.length && line !== "\n") result += indent;
		result += line;
	}
	return result;
}
function needIndentIndicator(string) {
	return /^\n* /.test(string);
}
function blockHeader(string, shiftOfParent, shiftOfContent) {
	const indentIndicator = needIndentIndicator(string) ? String(shiftOfContent - shiftOfParent) : "";
	const clip = string[string.length - 1] === "\n";
	return `${indentIndicator}${clip && (string[string.length - 2] === "\n" || string === "\n") ? "+" : clip ? "" : "-"}\n`;
}
function dropEndingNewline(string) {
	return string[string.length - 1] === "\n" ? string.slice(0, -1) : string;
}
function isMoreIndented(char) {
	return char === " " || char === "	";
}
function foldLine(line, width) {
	if (line === "" || isMoreIndented(line[0])) return line;
	const breakRe = / [^ \t]/g;
	let match;
	let start = 0;
	let end;
	let curr = 0;
	let next = 0;
	let result = "";
	while (match = breakRe.exec(line)) {
		next = match.index;
		if (next - start > width) {
			end = curr > start ? curr : next;
			result += `\n${line.slice(start, end)}`;
			start = end + 1;
		}
		curr = next;
	}
	result += "\n";
	if (line.length - start > width && curr > start) result += `${line.slice(start, curr)}\n${line.slice(curr + 1)}`;
	else result += line.slice(start);
	return result.slice(1);
}
function foldBlockScalar(string, width) {
	const lineRe = /(\n+)([^\n]*)/g;
	let nextLF = string.indexOf("\n");
	if (nextLF === -1) nextLF = string.length;
	lineRe.lastIndex = nextLF;
	let result = foldLine(string.slice(0, nextLF), width);
	let prevMoreIndented = string[0] === "\n" || isMoreIndented(string[0]);
	let moreIndented;
	let match;
	while (match = lineRe.exec(string)) {
		const prefix = match[1];
		const line = match[2];
		moreIndented = line !== "" && isMoreIndented(line[0]);
		result += prefix + (!prevMoreIndented && !moreIndented && line !== "" ? "\n" : "") + foldLine(line, width);
		prevMoreIndented = moreIndented;
	}
	return result;
}
var CHARACTERS_TO_ESCAPE = /["\\\x00-\x1F\x7F-\xA0\u2028\u2029\uD800-\uDFFF\uFEFF\uFFFE\uFFFF]/gu;
function escapeCharacter(character) {
	switch (character) {
		case "\0": return "\\0";
		case "\x07": return "\\a";
		case "\b": return "\\b";
		case "	": return "\\t";
		case "\n": return "\\n";
		case "\v": return "\\v";
		case "\f": return "\\f";
		case "\r": return "\\r";
		case "\x1B": return "\\e";
		case "\"": return "\\\"";
		case "\\": return "\\\\";
		case "": return "\\N";
		case "\xA0": return "\\_";
		case "\u2028": return "\\L";
		case "\u2029": return "\\P";
	}
	const code = character.charCodeAt(0);
	const hex = code.toString(16).toUpperCase();
	if (code <= 255) return `\\x${"0".repeat(2 - hex.length)}${hex}`;
	return `\\u${"0".repeat(4 - hex.length)}${hex}`;
}
function escapeString(string) {
	return string.replace(CHARACTERS_TO_ESCAPE, escapeCharacter);
}
//#endregion
//#region src/ast/presenter.ts
var CHAR_LINE_FEED = 10;
var DEFAULT_PRESENTER_OPTIONS = {
	indent: 2,
	seqNoIndent: false,
	seqInlineFirst: true,
	lineWidth: 80,
	flowBracketPadding: false,
	flowSkipCommaSpace: false,
	flowSkipColonSpace: false,
	quoteFlowKeys: false,
	quoteStyle: "single",
	forceQuotes: false,
	scalarStyleRules: Object.keys(DEFAULT_SCALAR_STYLE_RULES).map((name) => Reflect.get(DEFAULT_SCALAR_STYLE_RULES, name)),
	tagBeforeAnchor: false
};
function nodeTagShort(node) {
	return node.tagged ? node.tag : tagNameShort(node.tag);
}
function createPresenterState(options) {
	const opts = {
		...DEFAULT_PRESENTER_OPTIONS,
		...options
	};
	if (opts.flowSkipColonSpace) opts.quoteFlowKeys = true;
	return {
		...opts,
		defaultScalarTagName: opts.schema.defaultScalarTag.tagName,
		openEnded: false
	};
}
function generateNextLine(state, level) {
	return `\n${" ".repeat(state.indent * level)}`;
}
function scalarLayout(state, node, parent, level, isKey, flowOnly) {
	return {
		node,
		parent,
		level,
		isKey,
		flowOnly,
		shiftOfParent: level === 0 ? -1 : state.indent * (level - 1),
		shiftOfContent: state.indent * Math.max(1, level),
		shiftOfFirstLine: level === 0 ? 0 : state.indent * level,
		presenterOptions: state,
		allowedStylesMask: 0,
		style: node.style
	};
}
function writeFlowSequence(state, level, node) {
	let result = "";
	for (let index = 0, length = node.items.length; index < length; index += 1) {
		const item = writeNode(state, level, node.items[index], node, {}).text;
		if (index > 0) result += `,${!state.flowSkipCommaSpace ? " " : ""}`;
		result += item;
	}
	const pad = state.flowBracketPadding && node.items.length > 0 ? " " : "";
	return `[${pad}${result}${pad}]`;
}
function writeBlockSequence(state, level, node, compact) {
	let result = "";
	for (let index = 0, length = node.items.length; index < length; index += 1) {
		const item = writeNode(state, level + 1, node.items[index], node, {
			block: true,
			compact: state.seqInlineFirst,
			isblockseq: true
		}).text;
		if (!compact || result !== "") result += generateNextLine(state, level);
		if (item === "" || CHAR_LINE_FEED === item.charCodeAt(0)) result += "-";
		else result += "- ";
		result += item;
	}
	return result;
}
function writeFlowMapping(state, level, node) {
	let result = "";
	for (const { key, value } of node.items) {
		let pairBuffer = "";
		if (result !== "") pairBuffer += `,${!state.flowSkipCommaSpace ? " " : ""}`;
		const keyRender = writeNode(state, level, key, node, { iskey: true });
		const keyText = keyRender.text;
		const valueText = writeNode(state, level, value, node, {}).text;
		const sep = state.flowSkipColonSpace || valueText === "" ? "" : " ";
		const keyIsBareProps = key.kind === "scalar" && keyRender.noBody && (key.tagged || key.anchor !== void 0);
		const keyColonSep = key.kind === "alias" || keyIsBareProps ? " " : "";
		pairBuffer += `${keyText}${keyColonSep}:${sep}${valueText}`;
		result += pairBuffer;
	}
	const pad = state.flowBracketPadding && result !== "" ? " " : "";
	return `{${pad}${result}${pad}}`;
}
function writeBlockMapping(state, level, node, compact) {
	let result = "";
	for (let index = 0, length = node.items.length; index < length; index += 1) {
		let pairBuffer = "";
		if (!compact || result !== "") pairBuffer += generateNextLine(state, level);
		const { key, value } = node.items[index];
		const keyIsBlock = (key.kind === "mapping" || key.kind === "sequence") && key.style === COLLECTION_STYLE.BLOCK && key.items.length !== 0 || key.kind === "scalar" && (key.style === SCALAR_STYLE.LITERAL_BLOCK || key.style === SCALAR_STYLE.FOLDED_BLOCK);
		const keyRender = keyIsBlock ? writeNode(state, level + 1, key, node, {
			block: true,
			compact: true,
			isblockseq: !cannotBeCompact(state, key, level + 1)
		}) : writeNode(state, level + 1, key, node, {
			block: true,
			compact: true,
			iskey: true
		});
		const keyText = keyRender.text;
		const keyHasLineBreak = key.kind === "scalar" && key.value.indexOf("\n") !== -1;
		const keyIsTooLong = keyText.length > 1024 && /^[\s\S]{1025}/u.test(keyText);
		const explicitPair = keyIsBlock || keyHasLineBreak || keyIsTooLong;
		if (explicitPair) {
			if (keyText && CHAR_LINE_FEED === keyText.charCodeAt(0)) pairBuffer += "?";
			else pairBuffer += "? ";
		}
		pairBuffer += keyText;
		if (explicitPair) pairBuffer += generateNextLine(state, level);
		const valueText = writeNode(state, level + 1, value, node, {
			block: true,
			compact: explicitPair,
			isblockseq: explicitPair && !cannotBeCompact(state, value, level + 1)
		}).text;
		const keyIsBareProps = key.kind === "scalar" && keyRender.noBody && (key.tagged || key.anchor !== void 0);
		const keyColonSep = !explicitPair && (key.kind === "alias" || keyIsBareProps) ? " " : "";
		if (valueText === "" || CHAR_LINE_FEED === valueText.charCodeAt(0)) pairBuffer += `${keyColonSep}:`;
		else pairBuffer += `${keyColonSep}: `;
		pairBuffer += valueText;
		result += pairBuffer;
	}
	return result;
}
function cannotBeCompact(state, node, level) {
	if (node.kind === "alias") return true;
	return node.tagged || node.anchor !== void 0 || state.indent < 2 && level > 0;
}
function writeNode(state, level, node, parent, ctx) {
	if (node.kind === "alias") {
		state.openEnded = false;
		return {
			text: `*${node.anchor}`,
			noBody: false
		};
	}
	const { block = false, iskey = false, isblockseq = false } = ctx;
	let compact = ctx.compact ?? false;
	const hasAnchor = node.anchor !== void 0;
	if (cannotBeCompact(state, node, level)) compact = false;
	let body;
	let shouldPrintTag = node.tagged;
	const useBlockCollection = block && (node.kind === "mapping" || node.kind === "sequence") && node.style === COLLECTION_STYLE.BLOCK && node.items.length !== 0;
	if (node.kind === "mapping") {
		if (useBlockCollection) body = writeBlockMapping(state, level, node, compact);
		else body = writeFlowMapping(state, level, node);
	} else if (node.kind === "sequence") {
		if (useBlockCollection) {
			if (state.seqNoIndent && !isblockseq && level > 0) body = writeBlockSequence(state, level - 1, node, compact);
			else body = writeBlockSequence(state, level, node, compact);
		} else body = writeFlowSequence(state, level, node);
	} else {
		const layout = scalarLayout(state, node, parent, level, iskey, !block);
		detectAllowedStyles(layout);
		for (const rule of state.scalarStyleRules) rule(layout);
		body = renderScalar(layout);
		state.openEnded = (layout.style === SCALAR_STYLE.LITERAL_BLOCK || layout.style === SCALAR_STYLE.FOLDED_BLOCK) && (node.value === "\n" || node.value.endsWith("\n\n"));
		shouldPrintTag = node.tagged || body === "" && layout.flowOnly && parent?.kind === "sequence" && !hasAnchor || layout.style !== SCALAR_STYLE.PLAIN && node.tag !== state.defaultScalarTagName;
	}
	if ((node.kind === "mapping" || node.kind === "sequence") && !useBlockCollection) state.openEnded = false;
	if (useBlockCollection && compact && level > 0 && state.indent > 2) body = `${" ".repeat(state.indent - 2)}${body}`;
	const noBody = body === "";
	let text = body;
	if (shouldPrintTag || hasAnchor) {
		const props = [];
		const tag = shouldPrintTag ? nodeTagShort(node) : null;
		const anchor = hasAnchor ? `&${node.anchor}` : null;
		if (state.tagBeforeAnchor) {
			if (tag !== null) props.push(tag);
			if (anchor !== null) props.push(anchor);
		} else {
			if (anchor !== null) props.push(anchor);
			if (tag !== null) props.push(tag);
		}
		const sep = body === "" || body.charCodeAt(0) === CHAR_LINE_FEED ? "" : " ";
		text = `${props.join(" ")}${sep}${body}`;
	}
	return {
		text,
		noBody
	};
}
function rootStartsOwnLine(node) {
	return (node.kind === "sequence" || node.kind === "mapping") && node.style === COLLECTION_STYLE.BLOCK && node.items.length !== 0 && !node.tagged && node.anchor === void 0;
}
function writeDocumentDirectives(doc) {
	let result = "";
	for (const directive of doc.directives) {
		if (directive.kind === "yaml") {
			result += `%YAML ${directive.version}\n`;
			continue;
		}
		const { handle, prefix } = directive;
		result += `%TAG ${handle} ${prefix}\n`;
	}
	return result;
}
/**
* Build YAML from AST.
*
* @category AST
*/
function present(documents, options) {
	const state = createPresenterState(options);
	let result = "";
	let previousEnded = false;
	for (let index = 0; index < documents.length; index += 1) {
		const doc = documents[index];
		state.openEnded = false;
		const directives = writeDocumentDirectives(doc);
		const hasDirectives = directives !== "";
		const marker = doc.explicitStart || hasDirectives || index > 0 && !previousEnded;
		result += directives;
		if (doc.contents === null) {
			if (marker) result += "---\n";
		} else if (marker) {
			const body = writeNode(state, 0, doc.contents, null, {
				block: true,
				compact: true
			}).text;
			const sep = body === "" ? "" : hasDirectives || rootStartsOwnLine(doc.contents) ? "\n" : " ";
			result += `---${sep}${body}\n`;
		} else result += writeNode(state, 0, doc.contents, null, {
			block: true,
			compact: true
		}).text + "\n";
		previousEnded = doc.explicitEnd || state.openEnded;
		if (previousEnded) result += "...\n";
	}
	return result;
}
//#endregion
//#region src/dump.ts
var DEFAULT_DUMP_OPTIONS = {
	...DEFAULT_PRESENTER_OPTIONS,
	schema: DUMP_SCHEMA,
	skipInvalid: false,
	noRefs: false,
	flowLevel: -1,
	sortKeys: false,
	transform: () => {}
};
function defaultCompareFn(a, b) {
	const x = String(a);
	const y = String(b);
	if (x < y) return -1;
	if (x > y) return 1;
	return 0;
}
/**
* Serializes JS object as a YAML document. By default it can dump every
* supported YAML type, so it throws an exception if you try to dump regexps or
* functions. However, you can disable exceptions by setting the
* {@link DumpOptions.skipInvalid} option to `true`.
*
* @category Main
*/
function dump(input, options = {}) {
	const opts = {
		...DEFAULT_DUMP_OPTIONS,
		...options
	};
	const documents = jsToAst(input, opts.schema, {
		noRefs: opts.noRefs,
		skipInvalid: opts.skipInvalid
	});
	if (opts.flowLevel >= 0) visit(documents, (node, ctx) => {
		if (ctx.depth < opts.flowLevel) return;
		if (node.kind === "sequence" || node.kind === "mapping") node.style = COLLECTION_STYLE.FLOW;
		return VISIT_SKIP;
	});
	if (opts.sortKeys) {
		const compareFn = opts.sortKeys === true ? defaultCompareFn : opts.sortKeys;
		visit(documents, (node) => {
			if (node.kind !== "mapping") return;
			node.items.sort((a, b) => compareFn(a.key.kind === "scalar" ? a.key.value : "", b.key.kind === "scalar" ? b.key.value : ""));
		});
	}
	opts.transform(documents);
	return present(documents, {
		...pick(opts, Object.keys(DEFAULT_PRESENTER_OPTIONS)),
		schema: opts.schema
	});
}
//#endregion
//#region src/ast/from_events.ts
var NO_RANGE = (/* unused pure expression or super */ null && (-1));
function eventPosition(event) {
	if ("tagStart" in event && event.tagStart !== NO_RANGE) return event.tagStart;
	if ("anchorStart" in event && event.anchorStart !== NO_RANGE) return event.anchorStart;
	if ("valueStart" in event && event.valueStart !== NO_RANGE) return event.valueStart;
	if ("start" in event) return event.start;
	return 0;
}
function rawTag(state, event) {
	return event.tagStart === NO_RANGE ? "" : state.source.slice(event.tagStart, event.tagEnd);
}
function anchorName(state, event) {
	return event.anchorStart === NO_RANGE ? void 0 : state.source.slice(event.anchorStart, event.anchorEnd);
}
function buildScalar(state, event) {
	const value = getScalarValue(state.source, event);
	const raw = rawTag(state, event);
	let tag;
	let tagged = false;
	if (raw !== "") {
		tagged = true;
		tag = raw;
	} else if (event.style === SCALAR_STYLE.PLAIN) tag = state.schema.resolveImplicitScalarTag(value).tag.tagName;
	else tag = state.schema.defaultScalarTag.tagName;
	return {
		kind: "scalar",
		tag,
		tagged,
		style: event.style,
		anchor: anchorName(state, event),
		value
	};
}
function buildCollection(state, event, defaultTagName) {
	const raw = rawTag(state, event);
	let tag;
	let tagged = false;
	if (raw === "") tag = defaultTagName;
	else {
		tag = raw;
		tagged = true;
	}
	return {
		tag,
		tagged,
		style: event.style,
		anchor: anchorName(state, event)
	};
}
function addNode(state, node) {
	const frame = state.frames[state.frames.length - 1];
	if (frame.kind === "document") frame.doc.contents = node;
	else if (frame.kind === "sequence") frame.node.items.push(node);
	else if (frame.key) {
		frame.node.items.push({
			key: frame.key,
			value: node
		});
		frame.key = null;
	} else frame.key = node;
}
/**
* Builds an AST from parser events
*
* @category AST
*/
function eventsToAst(events, options) {
	const state = {
		source: options.source,
		schema: options.schema,
		eventIndex: 0,
		position: 0,
		frames: [],
		documents: []
	};
	while (state.eventIndex < events.length) {
		const event = events[state.eventIndex++];
		state.position = eventPosition(event);
		switch (event.type) {
			case EVENT_ID.DOCUMENT: {
				const doc = {
					contents: null,
					explicitStart: event.explicitStart,
					explicitEnd: event.explicitEnd,
					directives: event.directives
				};
				state.frames.push({
					kind: "document",
					doc
				});
				break;
			}
			case EVENT_ID.SCALAR:
				addNode(state, buildScalar(state, event));
				break;
			case EVENT_ID.SEQUENCE: {
				const { tag, tagged, style, anchor } = buildCollection(state, event, "tag:yaml.org,2002:seq");
				const node = {
					kind: "sequence",
					tag,
					tagged,
					style,
					anchor,
					items: []
				};
				state.frames.push({
					kind: "sequence",
					node
				});
				break;
			}
			case EVENT_ID.MAPPING: {
				const { tag, tagged, style, anchor } = buildCollection(state, event, "tag:yaml.org,2002:map");
				const node = {
					kind: "mapping",
					tag,
					tagged,
					style,
					anchor,
					items: []
				};
				state.frames.push({
					kind: "mapping",
					node,
					key: null
				});
				break;
			}
			case EVENT_ID.ALIAS:
				addNode(state, {
					kind: "alias",
					anchor: state.source.slice(event.anchorStart, event.anchorEnd)
				});
				break;
			case EVENT_ID.POP: {
				const frame = state.frames.pop();
				if (frame.kind === "mapping" && frame.key) throw new Error("incomplete mapping pair in event stream");
				if (frame.kind === "document") state.documents.push(frame.doc);
				else addNode(state, frame.node);
				break;
			}
		}
	}
	return state.documents;
}
//#endregion
//#region src/index.ts
/** @deprecated Use `EVENT_ID.DOCUMENT` instead. @internal */
var EVENT_DOCUMENT = EVENT_ID.DOCUMENT;
/** @deprecated Use `EVENT_ID.SEQUENCE` instead. @internal */
var EVENT_SEQUENCE = EVENT_ID.SEQUENCE;
/** @deprecated Use `EVENT_ID.MAPPING` instead. @internal */
var EVENT_MAPPING = EVENT_ID.MAPPING;
/** @deprecated Use `EVENT_ID.SCALAR` instead. @internal */
var EVENT_SCALAR = EVENT_ID.SCALAR;
/** @deprecated Use `EVENT_ID.ALIAS` instead. @internal */
var EVENT_ALIAS = EVENT_ID.ALIAS;
/** @deprecated Use `EVENT_ID.POP` instead. @internal */
var EVENT_POP = EVENT_ID.POP;
/** @deprecated Use `SCALAR_STYLE.PLAIN` instead. @internal */
var SCALAR_STYLE_PLAIN = SCALAR_STYLE.PLAIN;
/** @deprecated Use `SCALAR_STYLE.SINGLE_QUOTED` instead. @internal */
var SCALAR_STYLE_SINGLE_QUOTED = SCALAR_STYLE.SINGLE_QUOTED;
/** @deprecated Use `SCALAR_STYLE.DOUBLE_QUOTED` instead. @internal */
var SCALAR_STYLE_DOUBLE_QUOTED = SCALAR_STYLE.DOUBLE_QUOTED;
/** @deprecated Use `SCALAR_STYLE.LITERAL_BLOCK` instead. @internal */
var SCALAR_STYLE_LITERAL_BLOCK = SCALAR_STYLE.LITERAL_BLOCK;
/** @deprecated Use `SCALAR_STYLE.FOLDED_BLOCK` instead. @internal */
var SCALAR_STYLE_FOLDED_BLOCK = SCALAR_STYLE.FOLDED_BLOCK;
/** @deprecated Use `COLLECTION_STYLE.BLOCK` instead. @internal */
var COLLECTION_STYLE_BLOCK = COLLECTION_STYLE.BLOCK;
/** @deprecated Use `COLLECTION_STYLE.FLOW` instead. @internal */
var COLLECTION_STYLE_FLOW = COLLECTION_STYLE.FLOW;
/** @deprecated Use `CHOMPING_MODE.CLIP` instead. @internal */
var CHOMPING_CLIP = CHOMPING_MODE.CLIP;
/** @deprecated Use `CHOMPING_MODE.STRIP` instead. @internal */
var CHOMPING_STRIP = CHOMPING_MODE.STRIP;
/** @deprecated Use `CHOMPING_MODE.KEEP` instead. @internal */
var CHOMPING_KEEP = CHOMPING_MODE.KEEP;
//#endregion


//# sourceMappingURL=js-yaml.mjs.map
;// CONCATENATED MODULE: ./build/util/json.js
function json_parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./build/util/objects.js
const objects_isPlainObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

;// CONCATENATED MODULE: ./build/controller/annotation-validators.js


const truncateForError = (text) => text.length > 80 ? `(${text.length} characters)` : text;
const maxProblems = 3;
const joinProblems = (problems) => problems.length === 0 ? undefined : problems.slice(0, maxProblems).join(', and ');
const acceptAnyValue = () => undefined;
const createChoiceValidator = (...allowed) => (value) => allowed.includes(value) ? undefined : `is not one of ${allowed.join(', ')}`;
const validateBoolean = createChoiceValidator('true', 'false');
const isGoTrue = (value) => /^(1|t|T|TRUE|true|True)$/.test(value ?? '');
const isGoFalse = (value) => /^(0|f|F|FALSE|false|False)$/.test(value);
const validateGoBoolean = (value) => isGoTrue(value) || isGoFalse(value) ? undefined : 'is not one of true, false';
const createIntegerValidator = (min, max) => (value) => /^-?\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
    ? undefined
    : `is not an integer from ${min} to ${max}`;
const createZeroOrIntegerValidator = (min, max) => (value) => {
    const isValid = value === '0' || createIntegerValidator(min, max)(value) === undefined;
    return isValid ? undefined : `is neither 0 nor an integer from ${min} to ${max}`;
};
const parseJsonObjects = (value) => {
    const parsed = json_parseJson(value);
    return Array.isArray(parsed) && parsed.every(objects_isPlainObject) ? parsed : undefined;
};
function readField(object, name) {
    if (Object.hasOwn(object, name))
        return object[name];
    const key = Object.keys(object).find((each) => each.toLowerCase() === name.toLowerCase());
    return key === undefined ? undefined : object[key];
}
const asString = (value) => typeof value === 'string' ? value : undefined;
const annotation_validators_parseMutualAuthentication = (value) => parseJsonObjects(value)?.map((entry) => {
    const port = readField(entry, 'port');
    return {
        port: typeof port === 'number' ? port : undefined,
        mode: asString(readField(entry, 'mode')),
        trustStore: asString(readField(entry, 'trustStore')),
        ignoreClientCertificateExpiry: readField(entry, 'ignoreClientCertificateExpiry'),
        advertiseTrustStoreCaNames: readField(entry, 'advertiseTrustStoreCaNames'),
    };
});
const validateNonEmptyList = (value) => value.split(',').some((entry) => entry.trim() !== '') ? undefined : 'is an empty list';
const isMistakenForId = (name, prefix) => name.startsWith(prefix) && !/^[0-9a-f]{8,17}$/.test(name.slice(prefix.length));
const createIdsOrNamesValidator = (prefix) => (value) => {
    const names = value.split(',').map((entry) => entry.trim());
    const mistaken = names.find((name) => isMistakenForId(name, prefix));
    if (mistaken === undefined)
        return validateNonEmptyList(value);
    const reason = `the controller reads names that begin with ${prefix} as IDs`;
    return `contains ${truncateForError(mistaken)}, but ${reason}`;
};
function parseAttributes(value) {
    const entries = value
        .split(/(?<!\\),/)
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
    const keyValues = entries.map((entry) => [
        entry.slice(0, Math.max(0, entry.indexOf('='))).trim(),
        entry.slice(entry.indexOf('=') + 1).trim(),
    ]);
    return keyValues.every(([key]) => key !== '') ? keyValues : undefined;
}
const createAttributesValidator = (validators) => (value) => {
    const attributes = parseAttributes(value);
    if (!attributes)
        return 'is not a list of key=value';
    if (/(?<!\\),\s*$/.test(value))
        return 'ends with a comma, which becomes part of the last value';
    if (/(?<!\\),\s*,|^\s*,/.test(value))
        return 'contains an empty entry';
    const problems = [];
    for (const [key, attributeValue] of attributes) {
        const validate = Object.hasOwn(validators, key) ? validators[key] : undefined;
        const problem = validate?.(attributeValue);
        if (problem !== undefined)
            problems.push(`contains ${key}=${truncateForError(attributeValue)}, which ${problem}`);
    }
    return joinProblems(problems);
};
function parseCodes(value) {
    const ranges = value.split(',').map((entry) => /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(entry));
    if (ranges.includes(null))
        return undefined;
    return ranges.flatMap((range) => [range?.[1], range?.[2] ?? range?.[1]]).map(Number);
}
const validateGrpcCodes = (value) => {
    const codes = parseCodes(value);
    if (!codes)
        return 'is not a list of codes such as 0,12 or 0-99';
    const outOfRange = codes.find((code) => code > 99);
    if (outOfRange === undefined)
        return undefined;
    return `contains ${outOfRange}, but the codes of a gRPC health check range from 0 to 99`;
};
const validateHttpCodes = (value) => {
    const codes = parseCodes(value);
    const isValid = codes?.every((code) => code >= 200 && code <= 599) ?? false;
    return isValid ? undefined : 'is not a list of HTTP codes such as 200,301 or 200-399';
};
const validateAuthType = (value) => value === 'none'
    ? undefined
    : 'does not work with gRPC: the ALB would redirect calls to a login page';
const validateHealthCheckPath = (value) => {
    if (!value.startsWith('/'))
        return 'does not begin with a slash';
    return value.length <= 1024 ? undefined : 'is longer than 1024 characters';
};
const validatePort = createIntegerValidator(1, 65_535);
const validateHealthCheckPort = (value) => value === 'traffic-port' || validatePort(value) === undefined
    ? undefined
    : 'is neither traffic-port nor an integer from 1 to 65535';
const isPortName = (value) => value !== 'traffic-port' && /^(?!\d+$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value);
const validateHealthCheckPortOrName = (value) => isPortName(value) || validateHealthCheckPort(value) === undefined
    ? undefined
    : 'is neither traffic-port, nor an integer from 1 to 65535, nor the name of a port';
const validatePortMapping = (value) => {
    const mappings = parseAttributes(value) ?? [];
    const invalid = mappings.find((ports) => ports.some((each) => validatePort(each) !== undefined));
    if (!invalid)
        return createAttributesValidator({})(value);
    return `contains ${truncateForError(invalid.join('='))}, which is not an integer from 1 to 65535`;
};
const validateCapacity = (value) => /^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER';
const validateWebAclArn = (value) => value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value)
    ? undefined
    : 'is neither none nor the ARN of a regional WAFv2 web ACL ' +
        '(arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)';

;// CONCATENATED MODULE: ./build/clients/helm/yaml-schema.js

const maxIntegerLength = '-0b'.length + 64;
function parseInteger(text) {
    if (text.length > maxIntegerLength)
        return undefined;
    const [, sign = '', digits] = /^([-+]?)(0|[1-9]\d*|0o?[0-7]+|0x[\da-f]+|0b[01]+)$/i.exec(text) ?? [];
    if (digits === undefined)
        return undefined;
    const magnitude = BigInt(digits.replace(/^0(?=\d)/, '0o'));
    const value = sign === '-' ? -magnitude : magnitude;
    const isSigned = BigInt.asIntN(64, value) === value;
    const isUnsigned = sign === '' && BigInt.asUintN(64, value) === value;
    return isSigned || isUnsigned ? Number(value) : undefined;
}
function parseDecimal(text) {
    if (!/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text))
        return undefined;
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
}
const withoutUnderscores = (source) => source.startsWith('.') ? source.replace(/(?<=\d)_(?=\d)/g, '') : source.replaceAll('_', '');
const integerTag = {
    ...intYaml11Tag,
    resolve: (source) => parseInteger(withoutUnderscores(source)) ?? NOT_RESOLVED,
};
const floatTag = {
    ...floatYaml11Tag,
    resolve: (source, ...options) => {
        if (/^[-+]?\.[a-z]/i.test(source))
            return floatYaml11Tag.resolve(source, ...options);
        const text = withoutUnderscores(source);
        return parseInteger(text) ?? parseDecimal(text) ?? NOT_RESOLVED;
    },
};
const helmSchema = new Schema([
    ...FAILSAFE_SCHEMA.tags,
    nullYaml11Tag,
    boolYaml11Tag,
    integerTag,
    floatTag,
    mergeTag,
]);

;// CONCATENATED MODULE: ./build/inputs/yaml.js



const mapRemedy = 'Write one "key: value" per line.';
const knownSyntaxErrors = [
    { reason: /tab/, problem: 'tab', remedy: 'Indent with spaces.' },
    { reason: /duplicated mapping key/, problem: 'duplicate key', remedy: 'Use each key once.' },
    {
        reason: /maxDepth/,
        problem: 'more than 100 levels of lists or maps',
        remedy: 'Use fewer levels.',
    },
];
function parseYaml(raw, schema = CORE_SCHEMA, remedy = mapRemedy) {
    if (raw.split(/\r\n?|\n/).every((line) => /^\s*(#|$)/.test(line)))
        return undefined;
    let document;
    try {
        document = load(raw, { schema });
    }
    catch (thrown) {
        throw describeSyntaxError(thrown, remedy);
    }
    rejectUnbounded(document);
    return document;
}
function describeSyntaxError(thrown, remedy) {
    const { mark, reason = '' } = thrown;
    if (mark?.line === undefined)
        return new InvalidInputError('is not valid YAML.', remedy);
    const line = mark.line + 1;
    const known = knownSyntaxErrors.find((error) => error.reason.test(reason));
    if (known)
        return new InvalidInputError(`is not valid YAML: ${known.problem} in line ${line}.`, known.remedy);
    const column = (mark.column ?? 0) + 1;
    return new InvalidInputError(`is not valid YAML: syntax error in line ${line}, column ${column}.`, remedy);
}
const maxDocumentSize = 2 ** 20;
function rejectUnbounded(document) {
    const stack = [document];
    for (let size = 0; stack.length > 0;) {
        const value = stack.pop();
        if (typeof value === 'number' && !Number.isFinite(value))
            throw new InvalidInputError('contains a number that is not finite (.inf, .nan).', 'Use a finite number, or quote it if a string is meant.');
        const children = typeof value === 'object' && value !== null ? Object.entries(value) : [];
        size += typeof value === 'string' ? value.length : countKeyCharacters(children);
        if (size > maxDocumentSize)
            throw new InvalidInputError('is longer than a million characters with its aliases (*NAME) expanded, ' +
                'or contains aliases that refer to themselves.', 'Replace the aliases with their values.');
        for (const [, child] of children)
            stack.push(child);
    }
}
const countKeyCharacters = (entries) => entries.reduce((sum, [key]) => sum + key.length + 1, 0);
function requireMap(value) {
    if (value === undefined || value === null)
        return {};
    if (Array.isArray(value))
        throw new InvalidInputError('is a YAML list.', 'Write one "key: value" per line, without the leading "- ".');
    if (typeof value !== 'object')
        throw new InvalidInputError('is not a YAML map.', mapRemedy);
    return value;
}
function parseHelmValues(raw) {
    return requireMap(parseYaml(raw, helmSchema));
}
function parseTextMap(raw) {
    const isPairList = /^[^={"'\s]+=/.test(raw.trim()) && !/^\S+:\s/m.test(raw);
    if (isPairList)
        return parsePairs(raw);
    const entries = Object.entries(requireMap(parseYaml(raw, FAILSAFE_SCHEMA)));
    return Object.fromEntries(entries.map(([key, value]) => [key, requireText(key, value)]));
}
function requireText(key, value) {
    if (typeof value !== 'string')
        throw new InvalidInputError(`contains a value of ${quoteForError(key)} that is not a string.`, "Use a string, for example key: 'value'.");
    return value;
}
function parsePairs(raw) {
    const entries = raw
        .split(/[,\n]/)
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
    return Object.fromEntries(entries.map(parsePair));
}
function parsePair(entry) {
    const separator = entry.indexOf('=');
    if (separator < 1)
        throw new InvalidInputError(`contains ${quoteForError(entry)}, which is not key=value.`, 'Write one "key: value" per line, or key=value pairs separated by commas.');
    return [entry.slice(0, separator).trim(), entry.slice(separator + 1).trim()];
}

;// CONCATENATED MODULE: ./build/inputs/lists.js




const listRemedy = 'Separate the entries by commas or new lines.';
const isEntry = (entry) => typeof entry === 'string' && entry.trim() !== '';
const isYamlList = (raw) => /^\s*(\[|- )/.test(raw);
function parseList(raw) {
    const entries = isYamlList(raw)
        ? parseYaml(raw, FAILSAFE_SCHEMA, listRemedy)
        : splitPlainList(raw);
    if (!Array.isArray(entries) || !entries.every(isEntry))
        throw invalidValue(raw, 'is not a list of plain entries', listRemedy);
    return entries.map((entry) => entry.trim());
}
const unquote = (entry) => entry.replace(/^(["'])(.*)\1$/, '$2');
const splitPlainList = (raw) => raw
    .split(/[\s,;]+/)
    .map(unquote)
    .filter((entry) => entry !== '');
const isResourceId = (text) => /^["']?(subnet|sg)-[0-9a-z]+["']?$/.test(text);
const createIdsOrNamesParser = (prefix) => (raw) => {
    const names = isYamlList(raw) ? parseList(raw) : splitIdsOrNames(raw);
    for (const name of names)
        rejectMisreadName(name, prefix);
    return names;
};
const splitIdsOrNames = (raw) => raw
    .split(/[\r\n,;]+/)
    .map((entry) => entry.trim())
    .flatMap((entry) => {
    const words = entry.split(/\s+/);
    return words.every(isResourceId) ? words : [entry];
})
    .map((entry) => unquote(entry).trim())
    .filter((entry) => entry !== '');
function rejectMisreadName(name, prefix) {
    const quoted = quoteForError(name);
    if (name.includes(','))
        throw new InvalidInputError(`contains ${quoted}, and the controller splits names at commas.`, 'Use its ID.');
    if (isMistakenForId(name, prefix))
        throw new InvalidInputError(`contains ${quoted}, and the controller reads names that begin with ${prefix} as IDs.`, 'Use its ID.');
}
function parseAccountIds(raw) {
    const ids = parseList(raw).map((entry) => entry.replace(/^(\d{4})-(\d{4})-(\d{4})$/, '$1$2$3'));
    const invalid = ids.find((id) => !/^\d{12}$/.test(id));
    if (invalid === undefined)
        return ids;
    const isMissingZeros = /^\d{1,11}$/.test(invalid);
    throw new InvalidInputError(`contains ${quoteForError(invalid)}, which is not an AWS account ID: those have 12 digits.`, isMissingZeros
        ? `Quote the ID: '${invalid.padStart(12, '0')}'. Without quotes, YAML drops leading zeros.`
        : "Use IDs such as '111122223333', separated by commas.");
}

;// CONCATENATED MODULE: ./build/inputs/parsers.js

const parseText = (raw) => raw;
function parseLine(raw) {
    if (/[\r\n]/.test(raw))
        throw new InvalidInputError('contains more than one line.', 'Set only the name itself.');
    return raw;
}
function createPatternParser(pattern, expected, remedy) {
    return (raw) => {
        if (!pattern.test(raw))
            throw invalidValue(raw, `is not ${expected}`, remedy);
        return raw;
    };
}
const joinAlternatives = (words) => [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
function createChoiceParser(...allowed) {
    return (raw) => {
        const match = allowed.find((candidate) => candidate === raw);
        if (match === undefined)
            throw invalidValue(raw, 'is not a valid value', `Use ${joinAlternatives(allowed)}.`);
        return match;
    };
}
function parseBoolean(raw) {
    if (/^(true|True|TRUE)$/.test(raw))
        return true;
    if (/^(false|False|FALSE)$/.test(raw))
        return false;
    throw invalidValue(raw, 'is neither true nor false', 'Use true or false.');
}
function parsePort(raw) {
    const value = /^\d{1,5}$/.test(raw) ? Number(raw) : 0;
    if (value < 1 || value > 65_535)
        throw invalidValue(raw, 'is not a port number', 'Use a number from 1 to 65535, for example 443.');
    return value;
}
function parseHostPort(raw) {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(raw);
    const name = match?.[1] ?? match?.[2];
    if (name === undefined)
        throw invalidValue(raw, 'is not host:port', 'Use a name or an address with a port, for example 10.0.3.7:443.');
    return { host: name, port: parsePort(match?.[3] ?? '') };
}
const secondsPerUnit = { h: 3600, m: 60, s: 1 };
function createDurationParser(min, max) {
    return (raw) => {
        if (!/^(?:\d{1,20}[hms])+$/.test(raw))
            throw invalidValue(raw, 'is not a duration', 'Use a number with its unit, for example 90s, 10m or 1h30m.');
        const seconds = [...raw.matchAll(/(\d{1,20})([hms])/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (secondsPerUnit[unit ?? ''] ?? NaN), 0);
        if (seconds < min || seconds > max)
            throw invalidValue(raw, 'is out of range', `Use a duration from ${min}s to ${max}s.`);
        return seconds;
    };
}
function parseDays(raw) {
    const [, amount] = /^(\d{1,4})d?$/.exec(raw) ?? [];
    if (amount === undefined)
        throw invalidValue(raw, 'is not a number of days', 'Use a whole number, for example 21.');
    return Number(amount);
}

;// CONCATENATED MODULE: external "node:crypto"
const external_node_crypto_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:crypto");
;// CONCATENATED MODULE: ./build/x509/der.js
const derTags = {
    boolean: 0x01,
    bitString: 0x03,
    octetString: 0x04,
    objectIdentifier: 0x06,
    sequence: 0x30,
};
function readElements(bytes) {
    const elements = [];
    let offset = 0;
    while (offset < bytes.length) {
        const tag = bytes.readUInt8(offset);
        const { length, start } = readLength(bytes, offset + 1);
        if (start + length > bytes.length)
            throw new RangeError('an element ends after its parent');
        elements.push({ tag, content: bytes.subarray(start, start + length) });
        offset = start + length;
    }
    return elements;
}
function readLength(bytes, offset) {
    const first = bytes.readUInt8(offset);
    if (first < 0x80)
        return { length: first, start: offset + 1 };
    const size = first - 0x80;
    return { length: bytes.readUIntBE(offset + 1, size), start: offset + 1 + size };
}
function formatObjectIdentifier(content) {
    const arcs = [];
    let arc = 0n;
    for (const byte of content) {
        arc = (arc << 7n) | BigInt(byte & 0x7f);
        if (byte >= 0x80)
            continue;
        arcs.push(arc);
        arc = 0n;
    }
    const [first = 0n, ...rest] = arcs;
    const root = first < 80n ? first / 40n : 2n;
    return [root, first - root * 40n, ...rest].join('.');
}

;// CONCATENATED MODULE: ./build/x509/extensions.js

const keyUsageNames = [
    'digitalSignature',
    'nonRepudiation',
    'keyEncipherment',
    'dataEncipherment',
    'keyAgreement',
    'keyCertSign',
    'cRLSign',
];
const oids = {
    keyUsage: '2.5.29.15',
    tlsFeature: '1.3.6.1.5.5.7.1.24',
    rsassaPss: '1.2.840.113549.1.1.10',
    sha1: '1.3.14.3.2.26',
};
const emptyElement = { tag: 0, content: Buffer.alloc(0) };
function readFields(certificate) {
    const [outer = emptyElement] = readElements(certificate.raw);
    const [signedPart = emptyElement] = readElements(outer.content);
    const fields = readElements(signedPart.content);
    return fields[0]?.tag === contextTag(0) ? fields.slice(1) : fields;
}
const contextTag = (number) => 0xa0 + number;
function readExtensions(certificate) {
    const wrapper = readFields(certificate).find(({ tag }) => tag === contextTag(3));
    const [list = emptyElement] = readElements(wrapper?.content ?? Buffer.alloc(0));
    return readElements(list.content).map(({ content }) => {
        const parts = readElements(content);
        const [oid = emptyElement] = parts;
        return {
            oid: formatObjectIdentifier(oid.content),
            isCritical: parts.some(({ tag, content: flag }) => tag === derTags.boolean && flag[0] !== 0),
            value: parts.find(({ tag }) => tag === derTags.octetString)?.content ?? Buffer.alloc(0),
        };
    });
}
function getKeyUsages(certificate) {
    const extension = readExtensions(certificate).find(({ oid }) => oid === oids.keyUsage);
    if (!extension)
        return undefined;
    const [bits = emptyElement] = readElements(extension.value);
    const flags = bits.content[1] ?? 0;
    return keyUsageNames.filter((_name, index) => (flags & (0x80 >> index)) !== 0);
}
function assertReadable(certificate) {
    getKeyUsages(certificate);
    hasExplicitCurve(certificate);
    isPssWithSha1(certificate);
}
const listCriticalExtensions = (certificate) => readExtensions(certificate).flatMap(({ oid, isCritical }) => (isCritical ? [oid] : []));
const requiresStapling = (certificate) => readExtensions(certificate).some(({ oid }) => oid === oids.tlsFeature);
function hasExplicitCurve(certificate) {
    if (certificate.publicKey.asymmetricKeyType !== 'ec')
        return false;
    const [algorithm = emptyElement] = readElements(readFields(certificate)[5]?.content ?? Buffer.alloc(0));
    const [, parameters] = readElements(algorithm.content);
    return parameters?.tag !== derTags.objectIdentifier;
}
function isPssWithSha1(certificate) {
    const [, signature = emptyElement] = readFields(certificate);
    const [oid = emptyElement, parameters = emptyElement] = readElements(signature.content);
    if (formatObjectIdentifier(oid.content) !== oids.rsassaPss)
        return false;
    const hash = readElements(parameters.content).find(({ tag }) => tag === contextTag(0));
    if (!hash)
        return true;
    const [algorithm = emptyElement] = readElements(hash.content);
    const [hashOid = emptyElement] = readElements(algorithm.content);
    return formatObjectIdentifier(hashOid.content) === oids.sha1;
}

;// CONCATENATED MODULE: ./build/failures/certificate-origin.js
const certificate_origin_inputOrigin = {
    certificate: 'Input certificate',
    chain: 'Input certificate-chain',
    privateKey: 'Input private-key',
    pair: 'Inputs certificate and private-key',
    place: 'inputs certificate and certificate-chain',
    placeContains: 'Inputs certificate and certificate-chain contain',
    caBundle: 'probe-ca',
    renewal: 'Renew it, and set certificate, private-key and certificate-chain to the new files.',
    addChain: 'Set certificate to the full chain (fullchain.pem), or certificate-chain to the intermediate certificates.',
    replaceChain: 'Set certificate to the full chain (fullchain.pem) that was issued with this certificate, and leave certificate-chain empty.',
};
const clientCertificateOrigin = {
    certificate: 'Input probe-certificate',
    chain: 'Input probe-certificate',
    privateKey: 'Input probe-key',
    pair: 'Inputs probe-certificate and probe-key',
    place: 'input probe-certificate',
    placeContains: 'Input probe-certificate contains',
    caBundle: 'probe-ca',
    renewal: 'Renew it, and set probe-certificate and probe-key to the new files.',
    addChain: 'Set probe-certificate to the full chain.',
    replaceChain: 'Set probe-certificate to the full chain that was issued with this certificate.',
};
function secretOrigin(secret, entries) {
    const nameEntry = (entry) => entry === undefined ? secret : `Key ${entry} of ${secret}`;
    const certificate = nameEntry(entries?.certificate);
    return {
        certificate,
        chain: nameEntry(entries?.chain),
        privateKey: nameEntry(entries?.privateKey),
        pair: entries ? `Keys ${entries.certificate} and ${entries.privateKey} of ${secret}` : secret,
        place: secret,
        placeContains: `${secret} contains`,
        caBundle: entries?.chain === 'ca.crt' ? 'its ca.crt or probe-ca' : 'probe-ca',
        renewal: `Renew it, and store the new certificate and key in ${secret}; if cert-manager maintains it, "kubectl describe certificate" shows why it was not renewed.`,
        addChain: `Store the full chain (fullchain.pem) in ${entries?.certificate ?? secret}.`,
        replaceChain: `Store the full chain (fullchain.pem) that was issued with this certificate in ${entries?.certificate ?? secret}.`,
    };
}

;// CONCATENATED MODULE: ./build/failures/certificate-files.js


const certificateRemedy = 'Set it to X.509 certificates in PEM format, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.';
function certificate_files_certificateCorrupt(text, cause) {
    return new ActionError({
        code: 'certificate-unreadable',
        problem: `${text} contains a certificate that cannot be parsed.`,
        remedy: certificateRemedy,
        cause,
    });
}
function certificate_files_noCertificateInText(text, found) {
    return new ActionError({
        code: 'certificate-unreadable',
        problem: `${text} contains ${found === undefined ? 'no certificate in PEM format' : `${found} but no certificate`}.`,
        remedy: certificateRemedy,
    });
}
function certificateInputIsPrivateKey(text) {
    return new action_error_ActionError({
        code: 'certificate-unreadable',
        problem: `${text} contains a private key but no certificate.`,
        remedy: 'Only the certificate belongs there. The private key is set separately.',
    });
}
function certificateInputIsRequest(text) {
    return new action_error_ActionError({
        code: 'certificate-unreadable',
        problem: `${text} contains a certificate request but no certificate.`,
        remedy: 'A CA signs the request, and returns the certificate that belongs there.',
    });
}
function certificateInputIsPkcs7(text) {
    return new action_error_ActionError({
        code: 'certificate-unreadable',
        problem: `${text} contains a PKCS#7 bundle but no certificate in PEM format.`,
        remedy: 'Extract the certificates with "openssl pkcs7 -in chain.p7b -print_certs -out chain.pem".',
    });
}
function certificateAndKeySwapped({ pair }) {
    return new ActionError({
        code: 'certificate-unreadable',
        problem: `${pair} are swapped.`,
        remedy: 'Exchange the two values.',
    });
}
function certificate_files_privateKeyEncrypted(text) {
    return new ActionError({
        code: 'private-key-unreadable',
        problem: `${text} is encrypted.`,
        remedy: 'Only an unencrypted key can be used. Decrypt it with "openssl pkey -in key.pem -out plain.pem" and store the result as the secret.',
    });
}
function certificate_files_privateKeyInOpensshFormat(text) {
    return new ActionError({
        code: 'private-key-unreadable',
        problem: `${text} is in OpenSSH format.`,
        remedy: 'If the certificate was requested with this key, convert a copy to PEM with "ssh-keygen -p -N \'\' -m PEM -f FILE".',
    });
}
function certificate_files_multiplePrivateKeys(text, count) {
    return new ActionError({
        code: 'private-key-unreadable',
        problem: `${text} contains ${count} private keys.`,
        remedy: 'Keep only the key that the certificate was requested with.',
    });
}
function certificate_files_noPrivateKeyInText(text, found) {
    return new ActionError({
        code: 'private-key-unreadable',
        problem: `${text} contains ${found === undefined ? 'no private key in PEM format' : `${found} but no private key`}.`,
        remedy: 'Set it to the unencrypted RSA or EC key, in PEM format, that the certificate was requested with.',
    });
}
function certificate_files_privateKeyCorrupt(text) {
    return new ActionError({
        code: 'private-key-unreadable',
        problem: `${text} contains a private key that cannot be parsed.`,
        remedy: 'Set it to an unencrypted RSA or EC key in PEM format, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----.',
    });
}
function privateKeyMismatch(names, { privateKey } = inputOrigin) {
    return new ActionError({
        code: 'private-key-mismatch',
        problem: `${privateKey} does not match the certificate for ${names}.`,
        remedy: 'Set it to the key that the certificate was requested with; a renewal often comes with a new key.',
    });
}
function unrelatedCertificates(count, first, { placeContains } = inputOrigin) {
    return new ActionError({
        code: 'certificate-chain-invalid',
        problem: `${placeContains} ${count} certificate${count === 1 ? '' : 's'} that did not sign this certificate or its issuers (first: ${first}).`,
        remedy: 'Include only the intermediate certificates that belong to this certificate, not those of an earlier one.',
    });
}
function intermediateMissing(subject, issuer, { certificate, addChain } = inputOrigin) {
    return new ActionError({
        code: 'certificate-chain-invalid',
        problem: `${certificate} contains only the server certificate (${subject}); the intermediate (${issuer}) is missing, which ACM and clients require.`,
        remedy: addChain,
    });
}
function issuerMissing(subject, issuer, others, { place, replaceChain } = inputOrigin) {
    return new ActionError({
        code: 'certificate-chain-invalid',
        problem: `The intermediate certificate ${issuer}, which signed ${subject}, is missing in ${place}; ${others.count} other certificate${others.count === 1 ? '' : 's'} there did not sign it (first: ${others.first}).`,
        remedy: replaceChain,
    });
}
function keyTypeUnsupported(algorithm) {
    return new ActionError({
        code: 'certificate-key-unsupported',
        problem: `The certificate has a key of type ${algorithm}, which ACM cannot import.`,
        remedy: 'Request a certificate with an RSA key of 2048 to 4096 bits, or with an EC key on curve P-256 or P-384.',
    });
}
function signatureWeak(subject, algorithm) {
    return new ActionError({
        code: 'certificate-signature-weak',
        problem: `Certificate ${subject} is signed with ${algorithm}, which clients reject.`,
        remedy: 'Request a certificate that is signed with SHA-256 or better, from a CA whose own certificates are too.',
    });
}
function rejectedByAcm(reason, remedy) {
    return new ActionError({
        code: 'certificate-refused',
        problem: `ACM would reject the certificate: ${reason}.`,
        remedy,
    });
}
function certificateTooLarge(bytes, limit) {
    return rejectedByAcm(`it has ${bytes} bytes of PEM, and the limit is ${limit}`, 'Request a certificate with fewer names.');
}
function chainTooLarge(bytes, limit) {
    return rejectedByAcm(`its chain has ${bytes} bytes of PEM, and the limit is ${limit}`, 'Include only the certificates between this one and its root.');
}
function issuerNameEmpty() {
    return rejectedByAcm('it has no issuer name', 'Have it issued by a CA that has a name.');
}
function ocspUrlTooLong(length, limit) {
    return rejectedByAcm(`its OCSP URL has ${length} characters, and the limit is ${limit}`, 'Have it issued with a shorter OCSP URL.');
}
function certificateExpired(subject, expiredAt, { renewal } = inputOrigin) {
    return new ActionError({
        code: 'certificate-expired',
        problem: `Certificate ${subject} expired on ${expiredAt.toISOString()}.`,
        remedy: renewal,
    });
}
function chainCertificateExpired(subject, expiredAt) {
    return new ActionError({
        code: 'certificate-expired',
        problem: `Certificate ${subject} in the chain expired on ${expiredAt.toISOString()}.`,
        remedy: "Use the CA's current chain, or remove the expired certificate from it.",
    });
}
function certificateNotYetValid(subject, validFrom) {
    return new ActionError({
        code: 'certificate-not-yet-valid',
        problem: `Certificate ${subject} is not valid until ${validFrom.toISOString()}.`,
        remedy: "Wait until then, or correct the runner's clock; ACM rejects a certificate before its validity starts.",
    });
}
const hostMismatchRemedy = 'Use a certificate for this host, or set host to a name that the certificate covers.';
function hostNotCovered(host, names) {
    return new ActionError({
        code: 'certificate-host-mismatch',
        problem: names.length === 0
            ? `The certificate does not cover ${host}: it has no subject alternative names.`
            : `The certificate does not cover ${host}: its names are ${names.join(', ')}.`,
        remedy: hostMismatchRemedy,
    });
}
function hostBeyondWildcard(host, names, wildcard) {
    return new ActionError({
        code: 'certificate-host-mismatch',
        problem: `The certificate does not cover ${host}: its names are ${names.join(', ')}. ${wildcard} covers exactly one label in place of the asterisk.`,
        remedy: hostMismatchRemedy,
    });
}
function hostOnlyInCommonName(host) {
    return new ActionError({
        code: 'certificate-host-mismatch',
        problem: `The certificate does not cover ${host}: it has no subject alternative names. Its common name matches, but many clients ignore it (Go, Java, browsers).`,
        remedy: `Request a certificate with ${host} as a subject alternative name.`,
    });
}

;// CONCATENATED MODULE: ./build/x509/parse.js



const certificateBegin = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const certificateBlock = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const privateKeyBegin = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/g;
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;
const opensshKey = /-----BEGIN OPENSSH PRIVATE KEY-----/;
const countMatches = (text, pattern) => text.match(pattern)?.length ?? 0;
function parseCertificates(pem) {
    const blocks = pem.match(certificateBlock) ?? [];
    if (blocks.length < countMatches(pem, certificateBegin))
        throw new Error('a certificate has no END line');
    return blocks.map((block) => assertParsed(new external_node_crypto_namespaceObject.X509Certificate(block)));
}
function assertParsed(certificate) {
    const dates = [certificate.validFrom, certificate.validTo];
    if (!dates.every((date) => date.endsWith(' GMT')))
        throw new Error('invalid validity date');
    if (certificate.publicKey.type !== 'public')
        throw new Error('invalid public key');
    assertReadable(certificate);
    return certificate;
}
const pemBlockKinds = [
    { label: /PRIVATE KEY/, phrase: 'a private key' },
    { label: /PUBLIC KEY/, phrase: 'a public key' },
    { label: /REQUEST/, phrase: 'a certificate request' },
    { label: /^(TRUSTED |X509 )?CERTIFICATE$/, phrase: 'a certificate' },
    { label: /PKCS7/, phrase: 'a PKCS#7 bundle' },
    { label: /CRL/, phrase: 'a certificate revocation list' },
];
const getPemLabel = (pem) => /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
function describePemBlock(pem) {
    const blockLabel = getPemLabel(pem);
    if (blockLabel === undefined)
        return undefined;
    const kind = pemBlockKinds.find(({ label }) => label.test(blockLabel));
    return kind?.phrase ?? `a PEM block "${blockLabel}"`;
}
const misplacedBlockFailures = [
    { label: /PRIVATE KEY/, createFailure: certificateInputIsPrivateKey },
    { label: /REQUEST/, createFailure: certificateInputIsRequest },
    { label: /PKCS7/, createFailure: certificateInputIsPkcs7 },
];
function parseCertificateText(text, pem) {
    const certificates = parseOrFail(text, pem);
    if (certificates.length > 0)
        return certificates;
    const blockLabel = getPemLabel(pem) ?? '';
    const misplaced = misplacedBlockFailures.find(({ label }) => label.test(blockLabel));
    throw misplaced?.createFailure(text) ?? noCertificateInText(text, describePemBlock(pem));
}
function parseOrFail(text, pem) {
    try {
        return parseCertificates(pem);
    }
    catch (thrown) {
        throw certificateCorrupt(text, thrown);
    }
}
function areInputsSwapped(inputs) {
    const { certificate, privateKey } = inputs;
    return (countMatches(certificate, certificateBegin) === 0 &&
        countMatches(certificate, privateKeyBegin) > 0 &&
        countMatches(privateKey, certificateBegin) > 0 &&
        countMatches(privateKey, privateKeyBegin) === 0);
}
function parsePrivateKey(text, pem) {
    if (encryptedKey.test(pem))
        throw privateKeyEncrypted(text);
    if (opensshKey.test(pem))
        throw privateKeyInOpensshFormat(text);
    const count = countMatches(pem, privateKeyBegin);
    if (count > 1)
        throw multiplePrivateKeys(text, count);
    if (count === 0)
        throw noPrivateKeyInText(text, describePemBlock(pem));
    try {
        return createPrivateKey(pem);
    }
    catch {
        throw privateKeyCorrupt(text);
    }
}

;// CONCATENATED MODULE: ./build/x509/pem.js
const stripQuotes = (text) => text.trim().replace(/^(["'])(.*)\1$/s, '$2');
function decodePem(text) {
    const raw = stripQuotes(text);
    const pem = raw.includes('-----BEGIN') ? raw : Buffer.from(raw, 'base64').toString('utf8');
    return pem.includes('-----BEGIN') ? restoreLineEndings(pem) : undefined;
}
function restoreLineEndings(text) {
    const blocks = text
        .replace(/\\r/g, '')
        .replace(/\\n|\r\n?/g, '\n')
        .replace(/(-----BEGIN [A-Z0-9 ]+-----)([A-Za-z0-9+/=\s]+)(-----END [A-Z0-9 ]+-----)/g, (_block, begin, body, end) => `\n${[begin, ...wrapBody(body.trim()), end].join('\n')}\n`);
    const remainingLines = blocks.split('\n').map((line) => line.trim());
    return remainingLines.filter((line) => line !== '').join('\n') + '\n';
}
function wrapBody(body) {
    const lines = body.split('\n');
    const isWrapped = lines.every((line) => /^\S{1,76}$/.test(line));
    return isWrapped ? lines : (body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []);
}

;// CONCATENATED MODULE: ./build/inputs/pem.js



const derSequence = (contentPattern) => `30(?:[0-7].|81..|82.{4}|83.{6})${contentPattern}`;
const binaryFormats = [
    {
        prefixPattern: 'feedfeed|cececece',
        name: 'a Java keystore',
        remedy: 'Convert it with "keytool -importkeystore -srckeystore FILE -destkeystore store.p12 ' +
            '-deststoretype PKCS12" and "openssl pkcs12 -in store.p12 -nodes -out all.pem".',
    },
    {
        prefixPattern: derSequence('020103'),
        name: 'PKCS#12 (.p12, .pfx)',
        remedy: 'Split it with "openssl pkcs12 -in FILE -nokeys -out certificate.pem" and "openssl pkcs12 ' +
            '-in FILE -nocerts -nodes -out key.pem".',
    },
    {
        prefixPattern: derSequence('06092a864886f70d0107'),
        name: 'PKCS#7 in DER (.p7b)',
        remedy: 'Extract the certificates with "openssl pkcs7 -inform DER -in FILE -print_certs -out ' +
            'chain.pem".',
    },
    {
        prefixPattern: derSequence(derSequence('(?:a003020102)?02')),
        name: 'a certificate in DER',
        remedy: 'Convert it with "openssl x509 -inform DER -in FILE -out certificate.pem".',
    },
    {
        prefixPattern: derSequence('0201'),
        name: 'a private key in DER',
        remedy: 'Convert it with "openssl pkey -inform DER -in FILE -out key.pem".',
    },
    {
        prefixPattern: derSequence('30'),
        name: 'an encrypted private key, or other data, in DER',
        remedy: 'Convert a key with "openssl pkey -inform DER -in FILE -out key.pem", which asks for its ' +
            'passphrase.',
    },
];
const textFormats = [
    {
        pattern: /^\{/,
        name: 'JSON',
        remedy: 'Use the field that contains the PEM, for example ${{ fromJSON(secrets.NAME).private_key }}.',
    },
    {
        pattern: /^arn:aws[a-z-]*:acm:/,
        name: 'the ARN of an ACM certificate',
        remedy: 'Set certificate-arn to it, and leave certificate and private-key empty.',
    },
    {
        pattern: /^arn:aws[a-z-]*:secretsmanager:/,
        name: 'the ARN of a secret in AWS Secrets Manager',
        remedy: 'Set certificate-secret to it, and leave certificate and private-key empty.',
    },
    {
        pattern: /^arn:aws/,
        name: 'an ARN',
        remedy: 'Fetch its value in an earlier step, and use that value.',
    },
    {
        pattern: /^ssh-|^ecdsa-sha2-/,
        name: 'an SSH public key',
        remedy: 'Use the certificate and key of a TLS server, as PEM.',
    },
    {
        pattern: /^@?((~|\.{1,2})?\/[\w./ -]{1,200}|[A-Za-z]:\\[\w.\\ -]{1,200}|[\w./-]{1,200}\.(pem|crt|cer|key|der|p12|pfx|p7b|jks))$/,
        name: 'the path of a file, not its content',
        remedy: 'Store the content of the file as a secret ("gh secret set NAME < FILE") and use that ' +
            'secret.',
    },
];
function parsePem(input) {
    const raw = stripQuotes(input);
    const textFormat = textFormats.find(({ pattern }) => pattern.test(raw));
    if (textFormat)
        throw new InvalidInputError(`is ${textFormat.name}.`, textFormat.remedy);
    const pem = decodePem(raw);
    if (pem !== undefined)
        return pem;
    const bytes = Buffer.from(raw, 'base64');
    if (Buffer.from(bytes.toString('utf8'), 'base64').includes('-----BEGIN'))
        throw new InvalidInputError('is base64 of base64: it was encoded twice.', 'Encode it once, or use the PEM itself.');
    const prefix = bytes.subarray(0, 24).toString('hex');
    const binaryFormat = binaryFormats.find(({ prefixPattern }) => new RegExp(`^(?:${prefixPattern})`).test(prefix));
    if (binaryFormat)
        throw new InvalidInputError(`is base64 of ${binaryFormat.name}, not of PEM.`, binaryFormat.remedy);
    throw new InvalidInputError('is neither PEM nor base64 of PEM.', 'Use the content of a .pem file, which begins with -----BEGIN, or its base64.');
}
function parseCaBundle(raw) {
    const pem = parsePem(raw);
    if (!containsCertificate(pem))
        throw new InvalidInputError('contains no readable certificate.', 'Use PEM certificates of the CA, ' +
            'each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.');
    return pem;
}
function containsCertificate(pem) {
    try {
        return parseCertificates(pem).length > 0;
    }
    catch {
        return false;
    }
}

;// CONCATENATED MODULE: ./build/inputs/input-types.js



const scalar = (type, parse) => ({ type, schemaType: 'scalar', parse });
const string = (parse = parseText) => scalar('string', parse);
const path = (parse) => ({ ...string(parse), isPath: true });
const input_types_boolean = scalar('boolean', parseBoolean);
const port = scalar('port', parsePort);
const days = scalar('days', parseDays);
const choice = (...words) => scalar(words.map((word) => `\`${word}\``).join(', '), createChoiceParser(...words));
const duration = (min, max) => scalar('duration', createDurationParser(min, max));
const list = (parse = parseList) => {
    const emptyValue = [];
    return { type: 'list', schemaType: 'list', parse, emptyValue };
};
const map = (parse) => {
    const emptyValue = {};
    return { type: 'map', schemaType: 'map', parse, emptyValue };
};
const pem = (parse = parsePem) => ({ ...scalar('PEM', parse), allowsPem: true });

;// CONCATENATED MODULE: external "node:net"
const external_node_net_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:net");
;// CONCATENATED MODULE: external "node:url"
const external_node_url_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:url");
;// CONCATENATED MODULE: ./build/inputs/names.js




const parseKubernetesName = createPatternParser(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a Kubernetes name', 'Use lower-case letters, digits and hyphens, for example milvus-demo.');
const parseKubernetesSubdomain = createPatternParser(/^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'a Kubernetes name', 'Use lower-case letters, digits, hyphens and dots, for example milvus-demo.');
const parseIngressName = createPatternParser(/^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'an Ingress name that the controller accepts', 'Use at most 63 lower-case letters, digits, hyphens and dots, for example milvus-demo.');
function parseRegion(raw) {
    const [, regionOfZone] = /^([a-z]{2,4}(?:-[a-z]+)+-\d)(?:-[a-z]+-\d)?[a-z]$/.exec(raw) ?? [];
    if (regionOfZone !== undefined)
        throw invalidValue(raw, 'is an Availability Zone', `Use its region: ${regionOfZone}.`);
    return parseRegionCode(raw);
}
const parseRegionCode = createPatternParser(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'an AWS region', 'Use a region code, for example us-east-2.');
const clusterArn = /^arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster\/([0-9A-Za-z][\w-]{0,99})$/;
function parseClusterName(raw) {
    const [, name] = clusterArn.exec(raw) ?? [];
    if (name !== undefined)
        throw invalidValue(raw, 'is the ARN of a cluster', `Use the name of the cluster: ${name}.`);
    return parseBareClusterName(raw);
}
const parseBareClusterName = createPatternParser(/^[0-9A-Za-z][\w-]{0,99}$/, 'the name of an EKS cluster', 'Use a name from "aws eks list-clusters", for example production.');
const parseCertificateArn = createPatternParser(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, 'the ARN of an ACM certificate', 'Use the full ARN, for example arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-....');
const parseLoadBalancerName = createPatternParser(/^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/, 'a load balancer name', 'Use at most 32 letters, digits and hyphens. ' +
    'The name cannot begin or end with a hyphen, or begin with internal-.');
const parseGroupName = createPatternParser(/^(?=.{1,63}$)([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/, 'an IngressGroup name', 'Use at most 63 lower-case letters, digits, hyphens and dots, for example shared-alb.');
const parseLoadBalancerClass = createPatternParser(/^(?:(?=.{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, 'a load balancer class', 'Use service.k8s.aws/nlb (AWS Load Balancer Controller), ' +
    'eks.amazonaws.com/nlb (EKS Auto Mode), another class, or none.');
const parseSslPolicy = createPatternParser(/^ELBSecurityPolicy-[A-Za-z0-9-]+$/, 'the name of an ELB security policy', 'Use a policy name, for example ELBSecurityPolicy-TLS13-1-2-2021-06.');
const parseExactVersion = createPatternParser(/^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, 'an exact version', 'Use one version, for example 5.0.19.');
const fullyQualifiedName = /^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const hostMistakes = [
    { pattern: /\s|,/, problem: 'contains more than one name' },
    { pattern: /^[a-z][a-z0-9+.-]*:\/\//, problem: 'contains a scheme' },
    { pattern: /^[^:]*:\d+$/, problem: 'contains a port' },
    { pattern: /\//, problem: 'contains a path' },
    { pattern: /_/, problem: 'contains an underscore, which a certificate cannot cover' },
    { pattern: /\*/, problem: 'is a wildcard, and the probe needs one name to call' },
    {
        pattern: /^[^.]*$/,
        problem: 'contains no dot: ACM and the ALB require a fully qualified name',
    },
];
function parseHost(raw) {
    const remedy = 'Use only the DNS name that clients connect to, for example milvus.example.com.';
    const name = raw.toLowerCase().replace(/\.$/, '');
    const ascii = (0,external_node_url_namespaceObject.domainToASCII)(name);
    if (/[^\p{ASCII}]/u.test(name) && ascii !== '')
        throw invalidValue(raw, 'contains letters that are not ASCII', `Use the name as DNS and certificates contain it: ${ascii}.`);
    const mistake = hostMistakes.find(({ pattern }) => pattern.test(name));
    if (mistake)
        throw invalidValue(raw, mistake.problem, remedy);
    if ((0,external_node_net_namespaceObject.isIP)(name) || !fullyQualifiedName.test(name))
        throw invalidValue(raw, 'is not a DNS name', remedy);
    return name;
}

;// CONCATENATED MODULE: ./build/inputs/declarations/cluster.js






const clusterInputs = defineInputs({
    cluster: {
        ...string(parseClusterName),
        description: 'Name of the EKS cluster. The action creates tokens for it from the AWS credentials of ' +
            'the job.',
        example: 'production',
        required: 'unless `kubeconfig` or the variable `KUBECONFIG` is set',
    },
    region: {
        ...string(parseRegion),
        description: 'AWS region of the cluster and of the certificate.',
        example: 'us-east-2',
        defaultDescription: '`AWS_REGION`, then `AWS_DEFAULT_REGION`',
    },
    namespace: {
        ...string(parseKubernetesName),
        description: 'Kubernetes namespace of Milvus.',
        default: 'milvus',
    },
    release: {
        ...string(parseKubernetesName),
        description: 'Name of the Helm release of Milvus.',
        example: 'milvus-demo',
        defaultDescription: 'the only release of the namespace that contains Milvus, also as a subchart',
    },
    service: {
        ...string(parseKubernetesName),
        description: 'Name of the Service, for Milvus without a Helm release (Milvus Operator, Argo CD, plain ' +
            'manifests), or with one that the action should not change. With it, the action does not ' +
            'run Helm.',
        example: 'milvus-demo-milvus',
    },
    'service-port': {
        ...port,
        description: "Port of Milvus' gRPC API on the Service.",
        example: '19530',
        defaultDescription: 'the port named `milvus`, then `19530`',
    },
    kubeconfig: {
        ...path(parseFilePath),
        description: 'Path of a kubeconfig, as an alternative to `cluster`.',
        example: '/home/runner/.kube/config',
        defaultDescription: 'the variable `KUBECONFIG`, if `cluster` is empty',
    },
    context: {
        ...string(parseLine),
        description: 'Context of the kubeconfig.',
        example: 'production',
        defaultDescription: 'the current context of the kubeconfig',
    },
    'allowed-account-ids': {
        ...list(parseAccountIds),
        description: 'IDs of the AWS accounts that the credentials of the job may belong to. The action ' +
            'rejects any other account before it makes another request, also with `kubeconfig`. Quote ' +
            'an ID that begins with 0.',
        example: '111122223333',
        defaultDescription: 'any account',
    },
});

;// CONCATENATED MODULE: ./build/inputs/certificate-secret.js


const secretArn = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[\w/+=.@-]{1,519}$/;
const secretArnWithKey = /^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:]+):/;
function parseCertificateSecret(raw) {
    if (raw.startsWith('arn:'))
        return parseSecretArn(raw);
    const [name = '', namespace, ...rest] = raw.split('/').reverse();
    if (rest.length > 0)
        throw invalidValue(raw, 'has more than one slash', 'Use name or namespace/name of a Secret in the cluster, or the ARN of a secret in AWS ' +
            'Secrets Manager.');
    return {
        kind: 'kubernetes',
        namespace: namespace === undefined ? undefined : parseKubernetesName(namespace),
        name: parseKubernetesSubdomain(name),
    };
}
function parseSecretArn(arn) {
    if (/^arn:aws[a-z-]*:acm:/.test(arn))
        throw invalidValue(arn, 'is the ARN of an ACM certificate', 'Set certificate-arn to it, and leave certificate-secret empty.');
    const [, withoutKey] = secretArnWithKey.exec(arn) ?? [];
    if (withoutKey !== undefined)
        throw invalidValue(arn, 'names a key or a version of a secret', `Use the ARN of the secret, without what follows its name: ${withoutKey}.`);
    const [, region] = secretArn.exec(arn) ?? [];
    if (region === undefined)
        throw invalidValue(arn, 'is not the ARN of a secret in AWS Secrets Manager', 'Use the full ARN, for example ' +
            'arn:aws:secretsmanager:us-east-2:111122223333:secret:milvus/tls-AbCdEf.');
    return { kind: 'secrets-manager', arn, region };
}

;// CONCATENATED MODULE: ./build/inputs/declarations/endpoint.js




const modes = ['deploy', 'check'];
const endpointInputs = defineInputs({
    host: {
        ...string(parseHost),
        modes,
        description: 'DNS name that clients connect to. The certificate must cover it.',
        example: 'milvus.example.com',
        required: true,
    },
    certificate: {
        ...pem(),
        modes,
        fleet: 'job',
        description: 'TLS certificate as PEM or base64 of PEM. A full chain is fine. With `mode: check` it is ' +
            'optional: the run then checks the certificate that the Ingress names.',
        example: '${{ secrets.TLS_CERTIFICATE }}',
        required: 'unless `certificate-secret` or `certificate-arn` is set',
    },
    'private-key': {
        ...pem(),
        modes,
        fleet: 'job',
        secret: true,
        description: 'Private key of `certificate`, unencrypted, as PEM or base64 of PEM. With `mode: check` ' +
            'or `dry-run: true` it is optional.',
        example: '${{ secrets.TLS_PRIVATE_KEY }}',
        required: 'unless `certificate` is empty',
    },
    'certificate-chain': {
        ...pem(),
        modes,
        fleet: 'job',
        description: 'Intermediate certificates as PEM or base64 of PEM, in any order, unless `certificate` ' +
            'contains them.',
        example: '${{ secrets.TLS_CHAIN }}',
        defaultDescription: 'the certificates of `probe-ca` that issued `certificate`',
    },
    'certificate-secret': {
        type: 'string',
        schemaType: 'scalar',
        parse: parseCertificateSecret,
        modes,
        description: 'Secret that contains certificate, key and chain, as an alternative to the inputs for ' +
            'them: `name` or `namespace/name` of a Secret of type `kubernetes.io/tls` in the cluster, ' +
            'such as one of cert-manager, or the ARN of a secret in AWS Secrets Manager. Each run ' +
            'reads it, so a scheduled deploy renews the certificate.',
        example: 'milvus-tls',
    },
    'certificate-arn': {
        ...string(parseCertificateArn),
        modes,
        description: 'ARN of an ACM certificate, as an alternative to `certificate`, `private-key` and ' +
            '`certificate-chain`. If those are set too, they are imported under this ARN.',
        example: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
    },
    'replace-certificate': {
        ...input_types_boolean,
        description: '`true` allows `certificate` to replace the one under `certificate-arn` even if this ' +
            'action did not import that one, or if that one covers a name that `certificate` does not. ' +
            'Everything that uses the ARN then serves the new certificate.',
        default: 'false',
    },
    'expiry-warning': {
        ...days,
        description: 'Runs log a warning if the certificate expires within this number of days. `0` disables ' +
            'the warning.',
        example: '21',
        defaultDescription: "30, or a third of the certificate's lifetime if that is less",
    },
});

;// CONCATENATED MODULE: ./build/controller/nlb-port-mapping.js

function findMappedPorts(mapping, albPort) {
    return (parseAttributes(mapping ?? '') ?? [])
        .filter(([, mappedPort]) => Number(mappedPort) === albPort)
        .map(([nlbPort]) => Number(nlbPort));
}

;// CONCATENATED MODULE: ./build/controller/annotation-effects.js


const always = (reason) => () => reason;
const onlyForActions = always('only a path whose port is named use-annotation uses it, and the path of this Ingress forwards ' +
    'to Milvus');
const onlyForRegexPaths = always('it is about paths of type ImplementationSpecific, and that of this Ingress is of type Prefix');
const onlyForInstanceTargets = always('the targets of this Ingress are pods, not nodes');
const onlyWithoutCertificate = always('certificate-arn, which this action sets, overrides it');
const onlyWithLogin = always('auth-type is none, so the ALB authenticates nobody');
const onlyForListener = ({ listenPort }, suffix) => suffix === `HTTPS-${listenPort}`
    ? undefined
    : `the only listener of this Ingress is HTTPS-${listenPort}`;
const onlyForService = ({ service }, suffix) => service === undefined || suffix === service
    ? undefined
    : `the Service of this Ingress is ${service}`;
const onlyForServicePort = ({ service, servicePort }, suffix) => service === undefined || servicePort === undefined || suffix === `${service}.${servicePort}`
    ? undefined
    : `the Service and port of this Ingress are ${service}.${servicePort}`;
const onlyWithFrontendNlb = ({ annotations }) => isGoTrue(annotations['enable-frontend-nlb'])
    ? undefined
    : 'there is an NLB only with enable-frontend-nlb: true';
const onlyForMappedPort = (ingress) => {
    const { annotations, listenPort } = ingress;
    const withoutNlb = onlyWithFrontendNlb(ingress, '');
    if (withoutNlb !== undefined)
        return withoutNlb;
    return findMappedPorts(annotations['frontend-nlb-listener-port-mapping'], listenPort).length > 0
        ? undefined
        : `no port in it leads to port ${listenPort} of the ALB, so the NLB gets no listener`;
};
const onlyWithSecurityGroups = ({ annotations }) => 'security-groups' in annotations
    ? undefined
    : 'it is about the groups of input security-groups, which is empty';
const onlyWithoutSecurityGroups = ({ annotations }) => 'security-groups' in annotations
    ? 'the controller does not change the groups of input security-groups'
    : undefined;

;// CONCATENATED MODULE: ./build/controller/json-validators.js



const validateJsonObject = (value) => objects_isPlainObject(json_parseJson(value)) ? undefined : 'is not a JSON object';
const validateJsonObjects = (value) => parseJsonObjects(value) ? undefined : 'is not a JSON list of objects';
const validateJwtConfig = (value) => {
    const config = json_parseJson(value);
    if (!objects_isPlainObject(config))
        return 'is not a JSON object';
    const problems = [];
    for (const name of ['issuer', 'jwksEndpoint']) {
        const field = readField(config, name);
        if (typeof field !== 'string' || field === '')
            problems.push(`contains no ${name}`);
    }
    const endpoint = readField(config, 'jwksEndpoint');
    if (typeof endpoint === 'string' && endpoint !== '' && !endpoint.startsWith('https://'))
        problems.push('contains a jwksEndpoint that does not begin with https://');
    return joinProblems(problems);
};
const validateMutualAuthentication = (value) => {
    const entries = annotation_validators_parseMutualAuthentication(value);
    if (!entries || entries.length === 0)
        return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]';
    return joinProblems(entries.flatMap(validateEntry));
};
const isPort = (value) => Number.isInteger(value) && value >= 1 && value <= 65_535;
function validateEntry(entry) {
    const { port, mode, trustStore } = entry;
    const problems = [];
    if (port === undefined)
        problems.push('contains an entry without a port');
    else if (!isPort(port)) {
        problems.push(`contains port ${port}, which is not an integer from 1 to 65535`);
    }
    if (mode === 'verify') {
        if (trustStore === undefined || trustStore === '')
            problems.push('contains mode verify without a trustStore');
        problems.push(...validateVerification(entry));
    }
    else if (mode === 'off' || mode === 'passthrough')
        problems.push(...findVerificationFields(entry, mode));
    else {
        const shownMode = truncateForError(JSON.stringify(mode ?? ''));
        problems.push(`contains mode ${shownMode}, which is not off, passthrough or verify`);
    }
    return problems;
}
function validateVerification({ ignoreClientCertificateExpiry: ignore, advertiseTrustStoreCaNames: advertise, }) {
    const problems = [];
    if (ignore !== undefined && ignore !== null && typeof ignore !== 'boolean')
        problems.push('contains an ignoreClientCertificateExpiry that is neither true nor false');
    if (advertise !== undefined && advertise !== null && advertise !== 'on' && advertise !== 'off')
        problems.push('contains an advertiseTrustStoreCaNames that is neither on nor off');
    return problems;
}
function findVerificationFields(entry, mode) {
    const { trustStore, ignoreClientCertificateExpiry, advertiseTrustStoreCaNames } = entry;
    const fields = { trustStore, ignoreClientCertificateExpiry, advertiseTrustStoreCaNames };
    return Object.entries(fields)
        .filter(([, field]) => field !== undefined && field !== null && field !== '')
        .map(([name]) => `contains ${name}, which mode ${mode} does not support`);
}

;// CONCATENATED MODULE: ./build/controller/elb-attributes.js

const validateLoadBalancerAttributes = createAttributesValidator({
    'access_logs.s3.enabled': validateBoolean,
    'client_keep_alive.seconds': createIntegerValidator(60, 604_800),
    'connection_logs.s3.enabled': validateBoolean,
    'deletion_protection.enabled': validateBoolean,
    'routing.http.desync_mitigation_mode': createChoiceValidator('monitor', 'defensive', 'strictest'),
    'routing.http.drop_invalid_header_fields.enabled': validateBoolean,
    'routing.http.preserve_host_header.enabled': validateBoolean,
    'waf.fail_open.enabled': validateBoolean,
    'zonal_shift.config.enabled': validateBoolean,
});
const validateTargetGroupAttributes = createAttributesValidator({
    'deregistration_delay.timeout_seconds': createIntegerValidator(0, 3600),
    'load_balancing.algorithm.type': createChoiceValidator('round_robin', 'least_outstanding_requests', 'weighted_random'),
    'load_balancing.cross_zone.enabled': createChoiceValidator('true', 'false', 'use_load_balancer_configuration'),
    'slow_start.duration_seconds': createZeroOrIntegerValidator(30, 900),
    'stickiness.enabled': validateBoolean,
    'stickiness.lb_cookie.duration_seconds': createIntegerValidator(1, 604_800),
});

;// CONCATENATED MODULE: ./build/controller/annotation-table.js




const escapedComma = {
    before: [2, 14, 1],
    appliesTo: (value) => value.includes('\\,'),
    effect: 'rejects the escaped comma in',
};
const isEnabledBy = (flag, appliesTo = (value) => value !== 'none') => ({ flag, value: false, effect: 'ignores', appliesTo });
const hasFeatureGate = (gate, effect) => ({
    flag: 'feature-gates',
    gate,
    value: false,
    effect,
});
const stringMap = (validate) => ({
    validate,
    knownDefects: [escapedComma],
});
const onService = (declaration) => ({
    ...declaration,
    isReadFromService: true,
});
const frontendNlb = (validate) => ({
    validate,
    since: [2, 13, 0],
    noEffect: onlyWithFrontendNlb,
});
const login = (validate) => onService({ validate, noEffect: onlyWithLogin });
const annotation_table_annotationTable = {
    'group.name': {
        validate: acceptAnyValue,
        disabledBy: { flag: 'disable-ingress-group-name-annotation', value: true, effect: 'rejects' },
    },
    'group.order': { validate: createIntegerValidator(-1000, 1000) },
    'ip-address-type': {
        validate: createChoiceValidator('ipv4', 'dualstack', 'dualstack-without-public-ipv4'),
    },
    'ipam-ipv4-pool-id': { validate: acceptAnyValue, since: [2, 12, 0] },
    'load-balancer-attributes': stringMap(validateLoadBalancerAttributes),
    'load-balancer-name': { validate: acceptAnyValue },
    'minimum-load-balancer-capacity': {
        validate: validateCapacity,
        since: [2, 11, 0],
        disabledBy: hasFeatureGate('LBCapacityReservation', 'ignores'),
    },
    scheme: { validate: acceptAnyValue },
    tags: onService(stringMap(acceptAnyValue)),
    'customer-owned-ipv4-pool': { validate: acceptAnyValue },
    'inbound-cidrs': { validate: acceptAnyValue },
    'manage-backend-security-group-rules': {
        validate: validateGoBoolean,
        noEffect: onlyWithSecurityGroups,
    },
    'security-group-prefix-lists': {
        validate: validateNonEmptyList,
        since: [2, 8, 0],
        noEffect: onlyWithoutSecurityGroups,
    },
    'security-groups': { validate: acceptAnyValue },
    subnets: { validate: acceptAnyValue },
    'acm-pca-arn': { validate: acceptAnyValue, since: [3, 3, 0], noEffect: onlyWithoutCertificate },
    'certificate-arn': { validate: acceptAnyValue },
    'create-acm-cert': {
        validate: validateGoBoolean,
        since: [3, 3, 0],
        noEffect: onlyWithoutCertificate,
    },
    'listen-ports': { validate: acceptAnyValue },
    'listener-attributes.PROTOCOL-PORT': {
        ...stringMap(createAttributesValidator({})),
        since: [2, 9, 0],
        noEffect: onlyForListener,
    },
    'mutual-authentication': { validate: validateMutualAuthentication, since: [2, 7, 0] },
    'ssl-policy': { validate: acceptAnyValue },
    'ssl-redirect': { validate: validatePort },
    'actions.NAME': { validate: acceptAnyValue, noEffect: onlyForActions },
    'conditions.SERVICE': { validate: validateJsonObjects, noEffect: onlyForService },
    'transforms.SERVICE': {
        validate: validateJsonObjects,
        since: [2, 14, 0],
        noEffect: onlyForService,
    },
    'use-regex-path-match': {
        validate: validateGoBoolean,
        since: [2, 14, 0],
        noEffect: onlyForRegexPaths,
    },
    'auth-idp-cognito': login(validateJsonObject),
    'auth-idp-oidc': login(validateJsonObject),
    'auth-on-unauthenticated-request': login(createChoiceValidator('authenticate', 'allow', 'deny')),
    'auth-scope': login(acceptAnyValue),
    'auth-session-cookie': login(acceptAnyValue),
    'auth-session-timeout': login(createIntegerValidator(1, 604_800)),
    'auth-type': onService({ validate: validateAuthType }),
    'jwt-validation': { validate: validateJwtConfig, since: [2, 15, 0] },
    'backend-protocol': onService({ validate: createChoiceValidator('HTTP', 'HTTPS') }),
    'backend-protocol-version': onService({ validate: acceptAnyValue, since: [2, 1, 0] }),
    'multi-cluster-target-group': onService({ validate: validateGoBoolean, since: [2, 10, 0] }),
    'target-control-port.SERVICE.PORT': onService({
        validate: validatePort,
        since: [2, 16, 0],
        noEffect: onlyForServicePort,
    }),
    'target-group-attributes': onService(stringMap(validateTargetGroupAttributes)),
    'target-node-labels': onService({
        ...stringMap(createAttributesValidator({})),
        noEffect: onlyForInstanceTargets,
    }),
    'target-type': onService({
        validate: acceptAnyValue,
        disabledBy: hasFeatureGate('EnableIPTargetType', 'rejects'),
    }),
    'healthcheck-interval-seconds': onService({ validate: createIntegerValidator(5, 300) }),
    'healthcheck-path': onService({ validate: validateHealthCheckPath }),
    'healthcheck-port': onService({ validate: validateHealthCheckPortOrName }),
    'healthcheck-protocol': onService({ validate: createChoiceValidator('HTTP', 'HTTPS') }),
    'healthcheck-timeout-seconds': onService({ validate: createIntegerValidator(2, 120) }),
    'healthy-threshold-count': onService({ validate: createIntegerValidator(2, 10) }),
    'success-codes': onService({ validate: validateGrpcCodes }),
    'unhealthy-threshold-count': onService({ validate: createIntegerValidator(2, 10) }),
    'shield-advanced-protection': {
        validate: validateGoBoolean,
        disabledBy: isEnabledBy('enable-shield', isGoTrue),
    },
    'waf-acl-id': { validate: acceptAnyValue, disabledBy: isEnabledBy('enable-waf') },
    'wafv2-acl-arn': {
        validate: validateWebAclArn,
        disabledBy: isEnabledBy('enable-wafv2'),
        knownDefects: [
            { before: [2, 8, 2], appliesTo: (value) => value === 'none', effect: 'rejects "none" in' },
        ],
    },
    'wafv2-acl-name': {
        validate: acceptAnyValue,
        disabledBy: isEnabledBy('enable-wafv2'),
        since: [2, 14, 0],
        knownDefects: [{ since: [2, 14, 0], before: [2, 14, 1], effect: 'panics at' }],
    },
    'web-acl-id': { validate: acceptAnyValue, disabledBy: isEnabledBy('enable-waf') },
    'enable-frontend-nlb': { validate: validateGoBoolean, since: [2, 13, 0] },
    'frontend-nlb-attributes': { ...frontendNlb(createAttributesValidator({})), since: [3, 2, 0] },
    'frontend-nlb-eip-allocations': frontendNlb(validateNonEmptyList),
    'frontend-nlb-healthcheck-healthy-threshold-count': frontendNlb(createIntegerValidator(2, 10)),
    'frontend-nlb-healthcheck-interval-seconds': frontendNlb(createIntegerValidator(5, 300)),
    'frontend-nlb-healthcheck-path': frontendNlb(validateHealthCheckPath),
    'frontend-nlb-healthcheck-port': frontendNlb(validateHealthCheckPort),
    'frontend-nlb-healthcheck-protocol': frontendNlb(createChoiceValidator('HTTP', 'HTTPS')),
    'frontend-nlb-healthcheck-success-codes': frontendNlb(validateHttpCodes),
    'frontend-nlb-healthcheck-timeout-seconds': frontendNlb(createIntegerValidator(2, 120)),
    'frontend-nlb-healthcheck-unhealthy-threshold-count': frontendNlb(createIntegerValidator(2, 10)),
    'frontend-nlb-listener-port-mapping': {
        ...frontendNlb(validatePortMapping),
        noEffect: onlyForMappedPort,
    },
    'frontend-nlb-scheme': frontendNlb(createChoiceValidator('internal', 'internet-facing')),
    'frontend-nlb-security-groups': frontendNlb(createIdsOrNamesValidator('sg-')),
    'frontend-nlb-subnets': frontendNlb(createIdsOrNamesValidator('subnet-')),
    'frontend-nlb-tags': frontendNlb(createAttributesValidator({})),
};

;// CONCATENATED MODULE: ./build/controller/annotations.js




const annotationPrefix = 'alb.ingress.kubernetes.io/';
const groupAnnotation = (/* unused pure expression or super */ null && (`${annotationPrefix}group.name`));
const suffixedNames = new Map(Object.keys(annotation_table_annotationTable).flatMap((name) => {
    const [baseName = name] = name.split(/\.(?=[A-Z])/);
    return baseName === name ? [] : [[baseName, name]];
}));
function splitName(name) {
    const point = name.indexOf('.');
    return point < 0 ? [name, ''] : [name.slice(0, point), name.slice(point + 1)];
}
function findDeclaration(key) {
    if (!key.startsWith(annotationPrefix))
        return undefined;
    const name = key.slice(annotationPrefix.length);
    if (Object.hasOwn(annotation_table_annotationTable, name))
        return annotation_table_annotationTable[name];
    const [baseName, suffix] = splitName(name);
    return suffix === '' ? undefined : annotation_table_annotationTable[suffixedNames.get(baseName) ?? ''];
}
const isAnnotationKey = (key) => /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key);
function describeRejected({ key, value, problem }) {
    const shownValue = truncateForError(JSON.stringify(value));
    return `${truncateForError(key)} is ${shownValue}, which ${problem}`;
}
function isForService(key) {
    const noEffect = findDeclaration(key)?.noEffect;
    return noEffect === onlyForService || noEffect === onlyForServicePort;
}
const validateAnnotations = (annotations) => [
    ...findRejectedValues(annotations).filter(({ key }) => !isForService(key)),
    ...healthChecks
        .filter((check) => check.isOfNlb || hasBothTimes(annotations, check))
        .flatMap((check) => findRejectedTime(annotations, check) ?? []),
].map(describeRejected);
function findRejectedAnnotations(ingress, onService) {
    const { annotations } = ingress;
    const ineffective = new Set(findIneffectiveAnnotations(ingress).map(({ key }) => key));
    return [
        ...findRejectedValues(annotations).filter(({ key }) => !isForService(key) || !ineffective.has(key)),
        ...healthChecks.flatMap((check) => findRejectedTime(annotations, check, onService) ?? []),
    ];
}
function findRejectedValues(annotations) {
    const rejected = [];
    for (const [key, value] of Object.entries(annotations)) {
        const problem = findDeclaration(key)?.validate(value);
        if (problem !== undefined)
            rejected.push({ key, value, problem });
    }
    return rejected;
}
const healthChecks = [
    {
        interval: 'healthcheck-interval-seconds',
        timeout: 'healthcheck-timeout-seconds',
        isOfNlb: false,
    },
    {
        interval: 'frontend-nlb-healthcheck-interval-seconds',
        timeout: 'frontend-nlb-healthcheck-timeout-seconds',
        isOfNlb: true,
    },
];
const defaultInterval = 15;
const defaultTimeout = 5;
const hasBothTimes = (annotations, { interval, timeout }) => annotationPrefix + interval in annotations && annotationPrefix + timeout in annotations;
function findRejectedTime(annotations, names, onService = {}) {
    const intervalKey = annotationPrefix + names.interval;
    const timeoutKey = annotationPrefix + names.timeout;
    const interval = annotations[intervalKey];
    const timeout = annotations[timeoutKey];
    const rest = Number(interval ?? defaultInterval) - Number(timeout ?? defaultTimeout);
    const [isTooLong, tooLong, tooShort] = names.isOfNlb
        ? [rest < 0, 'greater', 'less']
        : [rest <= 0, 'not less', 'not greater'];
    if (!isTooLong)
        return undefined;
    const shownInterval = interval ?? `${defaultInterval} by default`;
    const shownTimeout = timeout ?? `${defaultTimeout} by default`;
    const rejectedInterval = interval !== undefined && {
        key: intervalKey,
        value: interval,
        problem: `is ${tooShort} than ${names.timeout} (${shownTimeout})`,
    };
    const rejectedTimeout = timeout !== undefined && {
        key: timeoutKey,
        value: timeout,
        problem: `is ${tooLong} than ${names.interval} (${shownInterval})`,
    };
    const candidates = [rejectedTimeout, rejectedInterval].filter((each) => each !== false);
    return candidates.find(({ key }) => key in onService) ?? candidates[0];
}
function findUnknownAnnotations(annotations) {
    return Object.keys(annotations)
        .filter((key) => key.startsWith(annotationPrefix) && findDeclaration(key) === undefined)
        .map((key) => ({ key, suggestion: suggestKey(key) }));
}
const mistakenNames = new Map([
    ['frontend-nlb', 'enable-frontend-nlb'],
    ['load-balancer-capacity-reservation', 'minimum-load-balancer-capacity'],
    ...suffixedNames,
]);
const maxSuggestionDistance = 3;
function suggestKey(key) {
    const name = key.slice(annotationPrefix.length);
    const suggestion = mistakenNames.get(name) ?? suggestSuffixedName(name) ?? suggestName(name);
    return suggestion && annotationPrefix + suggestion;
}
const suggestName = (name) => findNearest(name, Object.keys(annotationTable), maxSuggestionDistance);
function suggestSuffixedName(name) {
    const [baseName, suffix] = splitName(name);
    if (suffix === '')
        return undefined;
    const nearest = findNearest(baseName, [...suffixedNames.keys()], maxSuggestionDistance);
    return nearest && `${nearest}.${suffix}`;
}
function findIneffectiveAnnotations(ingress) {
    const prefixLength = annotationPrefix.length;
    const names = Object.entries(ingress.annotations).flatMap(([key, value]) => key.startsWith(annotationPrefix) ? [[key.slice(prefixLength), value]] : []);
    const annotations = Object.fromEntries(names);
    const ineffective = [];
    for (const [name] of names) {
        const key = annotationPrefix + name;
        const [, suffix] = splitName(name);
        const reason = findDeclaration(key)?.noEffect?.({ ...ingress, annotations }, suffix);
        if (reason !== undefined)
            ineffective.push({ key, reason });
    }
    return ineffective;
}
function findMutualAuthentication({ annotations, listenPort, }) {
    const entries = parseMutualAuthentication(annotations[`${annotationPrefix}mutual-authentication`] ?? '');
    return entries?.find(({ port }) => port === listenPort);
}

;// CONCATENATED MODULE: ./build/controller/tags.js

const maxUserTags = 46;
const maxKeyLength = 128;
const maxValueLength = 256;
function validateTags(tags) {
    const entries = Object.entries(tags);
    const problems = entries.flatMap(([key, value]) => validateTag(key, value));
    if (entries.length > maxUserTags)
        problems.unshift(`contains ${entries.length} tags, but AWS allows 50 including those of the controller`);
    return problems;
}
function validateTag(key, value) {
    const problems = [];
    const shownKey = truncateForError(key);
    if (/^aws:/i.test(key))
        problems.push(`contains ${shownKey}, but the prefix aws: is reserved for AWS`);
    if (key === '' || key.length > maxKeyLength)
        problems.push(`contains a key of ${key.length} characters, but AWS allows 1 to ${maxKeyLength}`);
    if (value.length > maxValueLength)
        problems.push(`contains a value of ${value.length} characters for ${shownKey}, ` +
            `but AWS allows ${maxValueLength}`);
    if (/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(key + value))
        problems.push(`contains ${shownKey}: ${truncateForError(value)}, ` +
            'but AWS allows only letters, digits, spaces and _ . : / = + - @');
    return problems;
}

;// CONCATENATED MODULE: ./build/inputs/load-balancer-attributes.js
const attributeInputs = [
    { attribute: 'idle_timeout.timeout_seconds', input: 'idle-timeout', setting: 'idleTimeout' },
];
function getAttributes(settings) {
    const attributes = [];
    for (const { attribute, input, setting } of attributeInputs) {
        const value = settings[setting];
        if (value !== undefined)
            attributes.push({ attribute, input, value: String(value) });
    }
    return attributes;
}
const findAttributeInput = (attribute) => attributeInputs.find((entry) => entry.attribute === attribute)?.input;

;// CONCATENATED MODULE: ./build/inputs/annotations.js






const attributesKey = 'alb.ingress.kubernetes.io/load-balancer-attributes';
const annotationsRejected = (rejected) => new InvalidInputError(`contains values that the controller or ELB would reject: ${summarize(rejected)}.`, 'Correct or remove these annotations.');
function parseAnnotations(raw) {
    const annotations = parseTextMap(raw);
    const invalidKey = Object.keys(annotations).find((key) => !isAnnotationKey(key));
    if (invalidKey !== undefined)
        throw new InvalidInputError(`contains ${quoteForError(invalidKey)}, which is not a valid annotation key.`, 'Write one "prefix/name: \'value\'" per line.');
    const rejected = validateAnnotations(annotations);
    if (rejected.length > 0)
        throw annotationsRejected(rejected);
    rejectReservedAttributes(annotations[attributesKey] ?? '');
    return annotations;
}
function rejectReservedAttributes(attributes) {
    for (const [key, value] of parseAttributes(attributes) ?? []) {
        const remedy = getRemedy(key, value);
        if (remedy !== undefined)
            throw new InvalidInputError(`contains the load balancer attribute ${key}=${truncateForError(value)}.`, remedy);
    }
}
function getRemedy(attribute, value) {
    const input = findAttributeInput(attribute);
    if (input !== undefined)
        return `Set input ${input} instead.`;
    if (attribute === 'routing.http2.enabled' && value.toLowerCase() !== 'true')
        return 'Remove it: gRPC requires HTTP/2.';
    return undefined;
}
function parseTags(raw) {
    const tags = parseTextMap(raw);
    const rejected = validateTags(tags);
    if (rejected.length > 0)
        throw new InvalidInputError(`${summarize(rejected)}.`, 'Correct these tags.');
    return tags;
}

;// CONCATENATED MODULE: ./build/inputs/cidrs.js



function parseCidrs(raw) {
    const blocks = parseList(raw);
    blocks.forEach(assertCidrBlock);
    return blocks;
}
function assertCidrBlock(block) {
    const stored = findStoredForm(block);
    if (stored === undefined)
        throw notCidrBlock(block);
    if (stored !== block)
        throw new InvalidInputError(`contains ${quoteForError(block)}, which EC2 stores as ${stored}: the controller would not ` +
            'find its rule.', `Use ${stored}.`);
}
function notCidrBlock(block) {
    const family = findFamily(block);
    if (family !== 0)
        return new InvalidInputError(`contains ${quoteForError(block)}, which has no prefix length.`, `For one address, use ${block}/${family === 4 ? 32 : 128}.`);
    return new InvalidInputError(`contains ${quoteForError(block)}, which is not a CIDR block.`, 'Use blocks such as 203.0.113.0/24, separated by commas.');
}
function findStoredForm(block) {
    const [address = '', prefixText = '', ...rest] = block.split('/');
    const family = findFamily(address);
    const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Infinity;
    if (family === 0 || prefix > (family === 4 ? 32 : 128) || rest.length > 0)
        return undefined;
    const mask = family === 4 ? maskIpv4 : maskIpv6;
    return `${mask(address, prefix)}/${prefix}`;
}
const findFamily = (address) => (address.includes('%') ? 0 : (0,external_node_net_namespaceObject.isIP)(address));
const maskIpv4 = (address, prefix) => maskGroups(address.split('.').map(Number), 8, prefix).join('.');
function maskIpv6(address, prefix) {
    const [head = [], tail = []] = compressIpv6(address)
        .split('::')
        .map((part) => part.split(':').filter((group) => group !== ''));
    const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
    const groups = [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
    const masked = maskGroups(groups, 16, prefix).map((group) => group.toString(16));
    return compressIpv6(masked.join(':'));
}
const compressIpv6 = (address) => new URL(`http://[${address}]`).hostname.slice(1, -1);
const maskGroups = (groups, width, prefix) => groups.map((group, index) => {
    const hostBits = Math.min(width, Math.max(0, (index + 1) * width - prefix));
    return group - (group % 2 ** hostBits);
});

;// CONCATENATED MODULE: ./build/inputs/declarations/load-balancer.js






const loadBalancerInputs = defineInputs({
    scheme: {
        ...choice('internet-facing', 'internal'),
        annotation: 'alb.ingress.kubernetes.io/scheme',
        description: 'Scheme of the ALB. A change replaces the ALB and its DNS name.',
        default: 'internet-facing',
    },
    'inbound-cidrs': {
        ...list(parseCidrs),
        annotation: 'alb.ingress.kubernetes.io/inbound-cidrs',
        description: 'CIDR blocks that are allowed to connect. The controller ignores them if ' +
            '`security-groups` is set.',
        example: '203.0.113.0/24',
        defaultDescription: 'everyone',
    },
    subnets: {
        ...list(createIdsOrNamesParser('subnet-')),
        annotation: 'alb.ingress.kubernetes.io/subnets',
        description: 'IDs or Name tags of the subnets of the ALB.',
        example: 'subnet-0a1b2c3d, subnet-4e5f6a7b',
        defaultDescription: 'the controller discovers them by their tags',
    },
    'security-groups': {
        ...list(createIdsOrNamesParser('sg-')),
        annotation: 'alb.ingress.kubernetes.io/security-groups',
        description: 'IDs or Name tags of the security groups of the ALB.',
        example: 'sg-0a1b2c3d',
        defaultDescription: 'the controller creates one',
    },
    'listen-port': {
        ...port,
        annotation: 'alb.ingress.kubernetes.io/listen-ports',
        description: 'Port of the HTTPS listener of the ALB.',
        default: '443',
    },
    'ssl-policy': {
        ...string(parseSslPolicy),
        annotation: 'alb.ingress.kubernetes.io/ssl-policy',
        description: 'Security policy of the listener.',
        default: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    },
    'idle-timeout': {
        ...duration(1, 4000),
        description: 'How long a connection may be idle, from 1s to 4000s. gRPC keepalives do not count for an ' +
            'ALB: it disconnects a search that takes longer.',
        default: '10m',
    },
    'load-balancer-name': {
        ...string(parseLoadBalancerName),
        annotation: 'alb.ingress.kubernetes.io/load-balancer-name',
        description: 'Name of the ALB, at most 32 characters. Only effective at creation.',
        example: 'milvus-production',
        defaultDescription: 'the controller generates one',
    },
    'group-name': {
        ...string(parseGroupName),
        annotation: 'alb.ingress.kubernetes.io/group.name',
        description: 'IngressGroup, to share an ALB with other Ingresses. On EKS Auto Mode, only the class ' +
            'assigns groups.',
        example: 'shared',
        defaultDescription: 'the group of the class, or an ALB of its own',
    },
    rest: {
        ...input_types_boolean,
        description: 'Whether the same host and listener also serve the RESTful API of Milvus (`/v1/vector`, ' +
            '`/v2/vectordb`), through a second Service that this action creates. `false` ' +
            'removes that Service and its paths.',
        default: 'false',
    },
    tags: {
        ...map(parseTags),
        annotation: 'alb.ingress.kubernetes.io/tags',
        description: 'Tags of the AWS resources of the ALB, as a YAML map or as `key=value` pairs.',
        example: 'team: search',
    },
    annotations: {
        ...map(parseAnnotations),
        description: 'Additional annotations of the Ingress, as a YAML map. They must neither override what ' +
            'the endpoint needs (gRPC, ip targets, port, certificate) nor repeat an input.',
        example: 'alb.ingress.kubernetes.io/wafv2-acl-name: edge',
    },
});
const ingressInputs = defineInputs({
    'ingress-name': {
        ...string(parseIngressName),
        description: 'Name of the Ingress.',
        example: 'milvus-demo',
        defaultDescription: 'the name of the release, or of the Service without a release',
    },
    'ingress-class': {
        ...string(parseKubernetesSubdomain),
        annotation: 'kubernetes.io/ingress.class',
        description: 'IngressClass of the AWS Load Balancer Controller or of EKS Auto Mode.',
        default: 'alb',
    },
});

;// CONCATENATED MODULE: ./build/inputs/declarations/probe.js




const probe_modes = ['deploy', 'check'];
const probeInputs = defineInputs({
    probe: {
        ...choice('required', 'deep', 'lenient', 'off'),
        description: '`required` fails the job unless, within `probe-timeout`, a series of gRPC calls over TLS ' +
            'all reach Milvus through the ALB, at each of its addresses. `deep` also creates a ' +
            'temporary collection, inserts 3 MB, searches and drops it, in `mode: check` too ' +
            '(docs/deep-probe.md). `lenient` only warns if some calls fail. `off` skips the probe, for ' +
            'runners that cannot reach the ALB.',
        default: 'required',
    },
    'milvus-token': {
        ...string(),
        fleet: 'job',
        secret: true,
        description: '`user:password` of a Milvus user, or an API key. Without it, the probe succeeds if ' +
            'Milvus asks for credentials.',
        example: '${{ secrets.MILVUS_TOKEN }}',
    },
    'require-authorization': {
        ...input_types_boolean,
        description: '`true` fails the job if Milvus answers without credentials, or accepts the default ' +
            'password of `root`, which the probe then tries once. `false` only logs answers without ' +
            'credentials: as a warning if the ALB is open to the internet, as a note otherwise.',
        default: 'false',
    },
    'probe-ca': {
        ...pem(parseCaBundle),
        description: 'Certificates of private CAs to trust, including their roots, as PEM or base64 of PEM.',
        example: '${{ vars.PRIVATE_CA }}',
        defaultDescription: 'the CAs that Node.js trusts, including `NODE_EXTRA_CA_CERTS`',
    },
    'probe-certificate': {
        ...pem(),
        modes: probe_modes,
        fleet: 'job',
        description: 'Client certificate of the probe for a listener with mutual TLS (`mutual-authentication` ' +
            'in `annotations`), as PEM or base64 of PEM. Include its intermediate certificates, unless ' +
            'the trust store contains them. Without a probe, it is ignored.',
        example: '${{ secrets.PROBE_CERTIFICATE }}',
        required: 'unless `probe-key` is empty',
    },
    'probe-key': {
        ...pem(),
        modes: probe_modes,
        fleet: 'job',
        secret: true,
        description: 'Private key of `probe-certificate`, unencrypted, as PEM or base64 of PEM. With ' +
            '`dry-run: true` it is optional.',
        example: '${{ secrets.PROBE_KEY }}',
        required: 'unless `probe-certificate` is empty',
    },
    'probe-address': {
        type: '`host:port`',
        schemaType: 'scalar',
        parse: parseHostPort,
        description: 'Where the probe connects, instead of the address and port of the ALB. TLS and routing ' +
            'still use `host`.',
        example: '10.0.3.7:443',
    },
    'probe-dns': {
        ...input_types_boolean,
        description: '`true` also probes by the name `host`, once the DNS of the runner points it to the ALB: ' +
            'by a record created by hand, or by ExternalDNS from the Ingress (docs/dns.md). `false` ' +
            'leaves DNS to you.',
        default: 'false',
    },
});

;// CONCATENATED MODULE: ./build/clients/helm/chart-reference.js
const isChartArchive = (name) => /\.(tgz|tar\.gz)$/.test(name);
function chart_reference_parseChartReference(name) {
    if (name.startsWith('oci://'))
        return parseRegistryReference(name);
    if (/^https?:\/\//.test(name))
        return { kind: 'archive', url: name };
    if (/^[./]/.test(name) || isChartArchive(name))
        return { kind: 'path', path: name };
    const [alias = '', chart, ...deeper] = name.split('/');
    if (chart === undefined)
        return { kind: 'repository', chart: name };
    if (chart === '' || deeper.length > 0)
        return { kind: 'path', path: name };
    return { kind: 'path-or-alias', path: name, alias, chart };
}
function parseRegistryReference(reference) {
    const [location = '', digest] = reference.slice('oci://'.length).split('@');
    const [host = '', ...segments] = location.replace(/\/$/, '').split('/');
    const [chart = '', tag] = segments.pop()?.split(':') ?? [];
    return {
        kind: 'registry',
        repository: `oci://${[host, ...segments, chart].join('/')}`,
        host,
        chart,
        tag,
        digest,
    };
}
function chart_reference_versionFromTag(tag) {
    return tag !== undefined && /^v?\d+\.\d+\.\d+/.test(tag) ? tag.replace('_', '+') : undefined;
}
function stripTag(name) {
    const reference = chart_reference_parseChartReference(name);
    return reference.kind === 'registry' ? reference.repository : name;
}
const isSameVersion = (a, b) => a.replace(/^v/, '') === b.replace(/^v/, '');
const isArchiveUrl = (url) => isChartArchive(url.pathname);

;// CONCATENATED MODULE: ./build/inputs/chart.js



function rejectUrlCredentials(url) {
    if (url.username === '' && url.password === '')
        return;
    throw new InvalidInputError('contains credentials, which Helm would expose in its arguments.', 'Set chart-username and chart-password instead.');
}
function parseChartName(name) {
    rejectFileContent(name);
    const reference = chart_reference_parseChartReference(name);
    if (reference.kind === 'registry')
        assertRegistryReference(name, reference);
    if (reference.kind === 'archive')
        assertArchiveUrl(reference.url);
    return name;
}
function assertRegistryReference(name, { host, chart, digest }) {
    if (host === '' || chart === '')
        throw new InvalidInputError(`is ${name}, which does not name a chart in the registry.`, 'Use the full reference, for example oci://registry.example.com/charts/milvus.');
    if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
        throw new InvalidInputError(`contains the digest ${digest}, which is not sha256: with 64 hexadecimal digits.`, 'Use the digest that "helm push" or "helm pull" prints.');
}
function assertArchiveUrl(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url)
        rejectUrlCredentials(url);
    if (!url || !isArchiveUrl(url))
        throw new InvalidInputError('is a URL, but not of a packaged chart (.tgz).', 'Set chart-repository to the URL of the repository, and chart to a name, for example milvus.');
}
function parseChartRepository(raw) {
    if (raw.startsWith('oci://'))
        throw new InvalidInputError('is an OCI registry, not the URL of a chart repository.', `For an OCI registry, put the oci:// reference in chart, for example ${raw.replace(/\/$/, '')}/milvus, and leave chart-repository empty.`);
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
        throw new InvalidInputError('is not an http or https URL.', 'Use the URL of a chart repository, for example https://zilliztech.github.io/milvus-helm/. Put a directory or an archive in chart.');
    rejectUrlCredentials(url);
    if (isArchiveUrl(url))
        throw new InvalidInputError('is the URL of a packaged chart, not of a chart repository.', 'Put the URL in chart, and leave chart-repository empty.');
    if (url.pathname.endsWith('/index.yaml'))
        throw new InvalidInputError('ends in index.yaml, which Helm appends.', `Use ${raw.replace(/index\.yaml.*$/, '')} instead.`);
    return raw;
}
function versionFromChartName(name) {
    const reference = parseChartReference(name);
    return reference.kind === 'registry' ? versionFromTag(reference.tag) : undefined;
}

;// CONCATENATED MODULE: ./build/inputs/declarations/release.js





const releaseInputs = defineInputs({
    values: {
        ...map(parseHelmValues),
        schemaType: 'tree',
        allowsPem: true,
        description: 'Helm values to set, as a YAML map with the paths of the chart of the release. For Milvus ' +
            'as a subchart: `milvus: {proxy: {replicas: 2}}`. All other values of the release are ' +
            'kept. Secret values belong in `secret-values`, or in the secret `HELM_VALUES` of the ' +
            'reusable workflows.',
        example: 'proxy: {replicas: 2}',
    },
    'secret-values': {
        ...map(parseHelmValues),
        schemaType: 'tree',
        fleet: 'job',
        allowsPem: true,
        description: 'Helm values that are secret, in the same form. They are merged over `values` as Helm ' +
            'merges files: maps by key, anything else is replaced, and null removes a value. Store ' +
            'them in one line, such as `{minio: {secretKey: ...}}`: GitHub masks each line of a ' +
            'secret, and drops job outputs that contain it.',
        example: '${{ secrets.HELM_VALUES }}',
    },
    'allow-chart-change': {
        ...input_types_boolean,
        description: '`true` lets Helm change more than the Service and what `values` sets: another ' +
            '`chart-version`, deleted objects, created or deleted StatefulSets and volume claims, a ' +
            'chart that was republished. `false` fails before any change and names them.',
        default: 'false',
    },
    chart: {
        ...path(parseChartName),
        description: 'Chart of the release: a name in `chart-repository`, an `oci://` reference (with or ' +
            'without a tag or a digest), a path, the URL of an archive, or `ALIAS/NAME` in a ' +
            'repository that `helm repo add` added on the runner. For a release of an umbrella chart, ' +
            'the umbrella chart.',
        default: 'milvus',
    },
    'chart-repository': {
        ...string(parseChartRepository),
        description: 'URL of the chart repository, for a `chart` that is only a name.',
        default: 'https://zilliztech.github.io/milvus-helm/',
    },
    'chart-version': {
        ...string(parseExactVersion),
        description: 'Exact version of the chart. A version other than the deployed one also needs ' +
            '`allow-chart-change`.',
        example: '5.0.19',
        defaultDescription: 'the deployed version, even if the repository has a newer one',
    },
    'chart-username': {
        ...string(),
        modes: ['deploy', 'destroy'],
        description: 'User name for a private chart repository or OCI registry (`AWS` for ECR). Goes with ' +
            '`chart-password`.',
        example: 'AWS',
    },
    'chart-password': {
        ...string(),
        modes: ['deploy', 'destroy'],
        fleet: 'job',
        secret: true,
        description: 'Password or token of `chart-username`.',
        example: '${{ secrets.CHART_PASSWORD }}',
        required: 'unless `chart-username` is empty',
    },
});

;// CONCATENATED MODULE: ./build/inputs/declarations/removal.js



const removalInputs = defineInputs({
    'restore-service-type': {
        ...choice('LoadBalancer', 'NodePort'),
        modes: ['destroy'],
        fleet: 'none',
        description: 'Type that Helm sets on the Service of the release after the Ingress was deleted.',
        defaultDescription: 'the Service stays ClusterIP',
    },
    'restore-load-balancer-class': {
        ...string(parseLoadBalancerClass),
        modes: ['destroy'],
        fleet: 'none',
        description: 'With `restore-service-type: LoadBalancer`: the `spec.loadBalancerClass` of the Service, ' +
            '`service.k8s.aws/nlb` for the AWS Load Balancer Controller or `eks.amazonaws.com/nlb` ' +
            'for EKS Auto Mode. `none` sets no class: the cloud provider then creates a load ' +
            'balancer, by default an internet-facing Classic Load Balancer. Needed unless the ' +
            'annotations of the Service assign it to the AWS Load Balancer Controller.',
        example: 'service.k8s.aws/nlb',
    },
});

;// CONCATENATED MODULE: ./build/inputs/declarations/run.js


const runInputs = defineInputs({
    mode: {
        ...choice('deploy', 'check', 'destroy'),
        fleet: 'job',
        description: '`deploy` changes whatever differs from the inputs. `check` only reads, and reports what ' +
            'a deploy with the same inputs would change (output `drift`). It needs no `private-key`, ' +
            'and only a read-only role (docs/permissions.md). `destroy` removes only what this action ' +
            'created: the Ingress with its ALB, and the certificate if nothing else uses it. It needs ' +
            'neither `host` nor a certificate.',
        default: 'deploy',
    },
    'dry-run': {
        ...input_types_boolean,
        fleet: 'job',
        description: '`true` prints what the run would change, and changes nothing. With `mode: deploy` it ' +
            'needs no `private-key`, and only a read-only role (docs/permissions.md).',
        default: 'false',
    },
    'fail-on-drift': {
        ...input_types_boolean,
        fleet: 'job',
        description: 'With `mode: check`: `true` fails the job if anything differs from the inputs or cannot ' +
            'be read, `false` only warns. A failed probe fails the job in both cases.',
        default: 'true',
    },
    cutover: {
        ...choice('first', 'last', 'never'),
        description: 'When the Service becomes ClusterIP. `first`: before the ALB is created, as in the guide. ' +
            '`last`: after the probe of the ALB succeeded, so that clients of the old load balancer ' +
            'are served until then. `never`: the release and its Service stay as they are.',
        default: 'first',
    },
    'on-failure': {
        ...choice('keep', 'rollback'),
        description: 'What a failed deploy does with its changes. `keep` leaves them, and the next run ' +
            'continues from there. `rollback` restores or removes the Ingress, rolls the release back ' +
            'to its last deployed revision, and deletes a new certificate. Before it changes anything, ' +
            'the run lists what cannot be rolled back.',
        default: 'keep',
    },
    'force-conflicts': {
        ...input_types_boolean,
        description: '`true` overwrites fields of the Ingress and of the objects of the release that others ' +
            'set to different values (replicas, an image, a ConfigMap that was edited by hand). ' +
            '`false` fails before any change and names them.',
        default: 'false',
    },
    summary: {
        ...input_types_boolean,
        fleet: 'none',
        description: '`true` writes a job summary.',
        default: 'true',
    },
});

;// CONCATENATED MODULE: ./build/inputs/declarations/timeouts.js


const secondsPerDay = 86_400;
const timeout = duration(1, secondsPerDay);
const timeoutInputs = defineInputs({
    'release-timeout': {
        ...timeout,
        description: 'How long Helm may take. A restarted Milvus proxy needs at least 90 seconds to become ready.',
        default: '10m',
    },
    'load-balancer-timeout': {
        ...timeout,
        description: 'How long the controller and the ALB may take. If the controller rejects the Ingress, the ' +
            'run does not wait.',
        default: '20m',
    },
    'probe-timeout': {
        ...timeout,
        description: 'How long to retry transient probe failures.',
        default: '5m',
    },
    'lock-timeout': {
        ...timeout,
        description: 'How long to wait for another run in the same namespace.',
        example: '30m',
        defaultDescription: '`release-timeout` plus `load-balancer-timeout`',
    },
});

;// CONCATENATED MODULE: ./build/inputs/inputs.js








const inputGroups = [
    { title: 'Cluster and Milvus', inputs: clusterInputs },
    { title: 'Host and certificate', inputs: endpointInputs },
    { title: 'What a run does', inputs: runInputs },
    { title: 'Load balancer and Ingress', inputs: { ...loadBalancerInputs, ...ingressInputs } },
    { title: 'Probe', inputs: probeInputs },
    { title: 'Helm release', inputs: releaseInputs },
    { title: 'Timeouts', inputs: timeoutInputs },
    { title: 'Removal', inputs: removalInputs },
];
const declarations = {
    ...clusterInputs,
    ...endpointInputs,
    ...runInputs,
    ...loadBalancerInputs,
    ...ingressInputs,
    ...probeInputs,
    ...releaseInputs,
    ...timeoutInputs,
    ...removalInputs,
};
const inputs = declarations;
const inputs_inputNames = Object.keys(declarations);
const inputDefaults = Object.fromEntries(inputs_inputNames.map((name) => [name, inputs[name].default ?? '']));
const secretInputs = inputs_inputNames.filter((name) => inputs[name].secret);
const pathInputs = inputs_inputNames.filter((name) => inputs[name].isPath);
const isReadInMode = (name, mode) => inputs[name].modes?.includes(mode) ?? true;
const inputsOfFleetScope = (scope) => inputs_inputNames.filter((name) => (inputs[name].fleet ?? 'target') === scope);

;// CONCATENATED MODULE: ./build/inputs/environment.js



const variablePrefix = 'INPUT_';
const inputVariableName = (input) => variablePrefix + input.replace(/ /g, '_').toUpperCase();
const withoutInputs = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(variablePrefix)));
function extractInputs(env) {
    const texts = {};
    for (const name of inputNames) {
        const variable = inputVariableName(name);
        texts[name] = (env[variable] ?? '').trim();
        Reflect.deleteProperty(env, variable);
    }
    const unknownNames = [];
    for (const variable of Object.keys(env).filter((name) => name.startsWith(variablePrefix))) {
        if (env[variable] !== '')
            unknownNames.push(variable.slice(variablePrefix.length).toLowerCase());
        Reflect.deleteProperty(env, variable);
    }
    return { texts, unknownNames };
}
function rejectUnknownInput(name) {
    const normalized = name.toLowerCase().replace(/[_ ]/g, '-');
    const maxDistance = Math.min(3, Math.floor(normalized.length / 3));
    return inputUnknown(name, findNearest(normalized, inputNames, maxDistance));
}

;// CONCATENATED MODULE: ./build/util/work-directory.js



const directoryPrefix = 'milvus-alb-action-';
const fleetDirectoryPrefix = 'milvus-alb-fleet-';
class WorkDirectory {
    parent;
    directory;
    constructor(runnerTemp) {
        this.parent = runnerTemp || tmpdir();
    }
    path() {
        this.directory ??= mkdtemp(join(this.parent, directoryPrefix));
        return this.directory;
    }
    async remove(onRemovalError) {
        const directory = await this.directory?.catch(() => undefined);
        if (directory)
            await removeDirectory(directory, onRemovalError);
    }
}
async function removeStaleDirectories(runnerTemp, onRemovalError) {
    const names = await readdir(runnerTemp).catch(() => []);
    const prefixes = [directoryPrefix, fleetDirectoryPrefix];
    for (const name of names.filter((entry) => prefixes.some((prefix) => entry.startsWith(prefix))))
        await removeDirectory(join(runnerTemp, name), onRemovalError);
}
const removeDirectory = (path, onRemovalError) => rm(path, { recursive: true, force: true }).catch((thrown) => onRemovalError(path, thrown));

;// CONCATENATED MODULE: ./build/fleet/deploy/job-results.js



const isStringRecord = (value) => objects_isPlainObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
const isTargetResult = (entry) => isPlainObject(entry) &&
    ['name', 'host', 'outcome'].every((name) => typeof entry[name] === 'string') &&
    isStringRecord(entry['outputs']);
const isJobResults = (value) => isPlainObject(value) &&
    typeof value['attempt'] === 'number' &&
    typeof value['mode'] === 'string' &&
    typeof value['dryRun'] === 'boolean' &&
    Array.isArray(value['targets']) &&
    value['targets'].every(isTargetResult);
function readJobResults(text) {
    const results = parseJson(text);
    if (!isJobResults(results))
        throw resultsInvalid();
    return results;
}

;// CONCATENATED MODULE: ./build/fleet/deploy/outputs.js

function parseOutputs(text, lineEnd = external_node_os_namespaceObject.EOL) {
    const outputs = new Map();
    const lines = text.split(lineEnd);
    for (let index = 0; index < lines.length; index += 1) {
        const line = lines[index] ?? '';
        const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? [];
        if (name !== undefined && delimiter !== undefined) {
            const end = lines.indexOf(delimiter, index + 1);
            if (end === -1)
                break;
            outputs.set(name, lines.slice(index + 1, end).join(lineEnd));
            index = end;
        }
        else {
            const [, key, value] = /^([^=]+)=(.*)$/.exec(line) ?? [];
            if (key !== undefined)
                outputs.set(key, value ?? '');
        }
    }
    return Object.fromEntries(outputs);
}

;// CONCATENATED MODULE: ./build/fleet/deploy/target-log.js
class TargetLog {
    stdio;
    chunks;
    constructor(isConcurrent) {
        this.stdio = isConcurrent ? ['pipe', 'pipe'] : ['inherit', 'inherit'];
        this.chunks = isConcurrent ? [] : undefined;
    }
    write(chunk) {
        if (this.chunks)
            this.chunks.push(Buffer.from(chunk));
        else
            process.stdout.write(chunk);
    }
    end() {
        if (this.chunks)
            process.stdout.write(Buffer.concat([...this.chunks, endOfTarget]));
    }
}
const endOfTarget = Buffer.from('\n::endgroup::\n');

;// CONCATENATED MODULE: ./build/fleet/deploy/run-target.js













const sharedInputs = inputsOfFleetScope('job');
const isTarget = (entry) => objects_isPlainObject(entry) && typeof entry['name'] === 'string' && isStringRecord(entry['inputs']);
const isTargetList = (value) => Array.isArray(value) && value.every(isTarget);
function readJobTargets(text) {
    const targets = json_parseJson(text);
    if (!isTargetList(targets))
        throw (0,fleet/* jobTargetsInvalid */.Fk)();
    return targets;
}
function readCommonInputs(text) {
    const inputs = json_parseJson(text);
    if (!isStringRecord(inputs))
        throw (0,fleet/* commonInputsInvalid */.u0)();
    return inputs;
}
function chooseCertificate(inputs) {
    if (!inputs['certificate-secret'])
        return inputs;
    return { ...inputs, certificate: '', 'private-key': '', 'certificate-chain': '' };
}
async function runTarget({ name, inputs }, { dist, signal, isConcurrent }) {
    const host = inputs['host'] ?? '';
    const runnerTemp = process.env['RUNNER_TEMP'] ?? (0,external_node_os_namespaceObject.tmpdir)();
    const directory = await (0,promises_.mkdtemp)((0,external_node_path_.join)(runnerTemp, fleetDirectoryPrefix));
    const pathTo = (file) => (0,external_node_path_.join)(directory, file);
    const log = new TargetLog(isConcurrent);
    try {
        await Promise.all(['output', 'state', 'summary'].map((file) => (0,promises_.writeFile)(pathTo(file), '')));
        const env = {
            ...withoutInputs(process.env),
            ...createInputVariables(inputs),
            RUNNER_TEMP: directory,
            GITHUB_OUTPUT: pathTo('output'),
            GITHUB_STATE: pathTo('state'),
            GITHUB_STEP_SUMMARY: pathTo('summary'),
        };
        if (isConcurrent)
            console.log(`Started ${name}`);
        log.write(`\n${name} (${host})\n`);
        const exitCode = await runScript((0,external_node_path_.join)(dist, 'index.js'), { env, log, signal });
        await runScript((0,external_node_path_.join)(dist, 'post/index.js'), { env, log });
        const outputs = parseOutputs(await (0,promises_.readFile)(pathTo('output'), 'utf8'));
        return {
            result: { name, host, outcome: getOutcome(exitCode, signal), outputs },
            summary: await (0,promises_.readFile)(pathTo('summary'), 'utf8'),
        };
    }
    finally {
        log.end();
        await (0,promises_.rm)(directory, { recursive: true, force: true });
    }
}
const createInputVariables = (inputs) => Object.fromEntries(inputs_inputNames.map((input) => [inputVariableName(input), inputs[input] ?? '']));
function getOutcome(exitCode, signal) {
    if (exitCode === 0)
        return 'success';
    return signal.aborted ? 'cancelled' : 'failure';
}
function runScript(script, options) {
    const { env, log, signal } = options;
    return new Promise((resolve, reject) => {
        const child = (0,external_node_child_process_namespaceObject.spawn)(process.execPath, [script], { env, stdio: ['ignore', ...log.stdio] });
        for (const stream of [child.stdout, child.stderr])
            stream?.on('data', (chunk) => log.write(chunk));
        const cancel = () => void child.kill('SIGINT');
        signal?.addEventListener('abort', cancel, { once: true });
        if (signal?.aborted)
            cancel();
        child.once('error', reject).once('close', (exitCode) => {
            signal?.removeEventListener('abort', cancel);
            resolve(exitCode);
        });
    });
}


/***/ }),

/***/ 324:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   B: () => (/* binding */ StepSummary)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(455);
/* harmony import */ var _util_text_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(506);


const maxBytes = 2 ** 20 - 1_024;
class StepSummary {
    size = 0;
    omittedCount = 0;
    path;
    constructor(path) {
        this.path = path;
    }
    async add(text) {
        const size = Buffer.byteLength(text);
        if (this.size + size > maxBytes)
            this.omittedCount += 1;
        else {
            this.size += size;
            await this.append(text);
        }
    }
    async end() {
        if (this.omittedCount === 0)
            return;
        const targets = (0,_util_text_js__WEBPACK_IMPORTED_MODULE_1__/* .formatCount */ .B4)(this.omittedCount, 'target');
        await this.append(`\n\nThe summaries of ${targets} do not fit here. See the log of the job.\n`);
    }
    async append(text) {
        if (!this.path)
            return;
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.appendFile)(this.path, text).catch((thrown) => console.log(`Cannot write the job summary: ${(0,_util_text_js__WEBPACK_IMPORTED_MODULE_1__/* .getErrorMessage */ .u1)(thrown)}`));
    }
}


/***/ }),

/***/ 612:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   _0: () => (/* binding */ readCount),
/* harmony export */   vG: () => (/* binding */ isDryRun)
/* harmony export */ });
/* unused harmony export readFlag */
/* harmony import */ var _actions_core__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(210);
/* harmony import */ var _failures_fleet_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(854);


function readCount(input) {
    const text = (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .getInput */ .V4)(input);
    if (text === '')
        return undefined;
    if (!/^[1-9]\d*$/.test(text))
        throw (0,_failures_fleet_js__WEBPACK_IMPORTED_MODULE_1__/* .countInvalid */ .Rh)(input, text);
    return Number(text);
}
const readFlag = (input) => (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .getInput */ .V4)(input) !== '' && (0,_actions_core__WEBPACK_IMPORTED_MODULE_0__/* .getBooleanInput */ .Vt)(input);
const isDryRun = () => readFlag('dry-run');


/***/ }),

/***/ 734:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   G: () => (/* binding */ runConcurrently)
/* harmony export */ });
function runConcurrently(items, limit, run) {
    const tasks = items.map((item) => ({ item, ...Promise.withResolvers() }));
    const remaining = tasks.values();
    for (const { promise } of tasks)
        promise.catch(() => undefined);
    const work = async () => {
        for (const { item, resolve, reject } of remaining)
            await run(item).then(resolve, reject);
    };
    for (let count = 0; count < Math.min(limit, items.length); count += 1)
        void work();
    return tasks.map(({ promise }) => promise);
}


/***/ }),

/***/ 506:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   B4: () => (/* binding */ formatCount),
/* harmony export */   u1: () => (/* binding */ getErrorMessage),
/* harmony export */   xv: () => (/* binding */ truncate)
/* harmony export */ });
/* unused harmony exports countObjects, formatObjects, formatDifferences, formatSeconds, formatDistinguishedName, formatDuration */
function getErrorMessage(thrown) {
    if (thrown instanceof AggregateError)
        return thrown.errors.map(getErrorMessage).join('; ');
    return thrown instanceof Error ? thrown.message : String(thrown);
}
const truncate = (text, maxLength) => text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} more characters)`;
const formatCount = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
function countObjects(changes) {
    const objectCount = new Set(changes.map(({ object }) => object)).size;
    const isOneEach = changes.length === objectCount;
    return {
        objects: formatCount(objectCount, 'object'),
        fields: isOneEach ? '' : ` (${formatCount(changes.length, 'field')})`,
    };
}
function formatObjects(changes, verb) {
    const { objects, fields } = countObjects(changes);
    return `${objects} ${verb}${fields}`;
}
const formatDifferences = (changes, from = '') => formatObjects(changes, `${countObjects(changes).objects === '1 object' ? 'differs' : 'differ'}${from}`);
const formatSeconds = (milliseconds) => `${Math.round(milliseconds / 100) / 10} s`;
const formatDistinguishedName = (distinguishedName) => (distinguishedName ?? '').split('\n').join(', ');
function formatDuration(milliseconds) {
    const units = [
        ['day', 86_400_000],
        ['hour', 3_600_000],
        ['minute', 60_000],
        ['second', 1000],
    ];
    const [name, unitLength] = units.find(([, unitMilliseconds]) => milliseconds >= 2 * unitMilliseconds) ?? ['second', 1000];
    const count = Math.max(0, Math.floor(milliseconds / unitLength));
    return formatCount(count, name);
}


/***/ }),

/***/ 210:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  z3: () => (/* binding */ error),
  Vt: () => (/* binding */ getBooleanInput),
  V4: () => (/* binding */ getInput),
  C1: () => (/* binding */ setFailed),
  uH: () => (/* binding */ setOutput)
});

// UNUSED EXPORTS: ExitCode, addPath, debug, endGroup, exportVariable, getIDToken, getMultilineInput, getState, group, info, isDebug, markdownSummary, notice, platform, saveState, setCommandEcho, setSecret, startGroup, summary, toPlatformPath, toPosixPath, toWin32Path, warning

;// CONCATENATED MODULE: external "os"
const external_os_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("os");
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/utils.js
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */
/**
 * Sanitizes an input into a string so it can be passed into issueCommand safely
 * @param input input to sanitize into a string
 */
function utils_toCommandValue(input) {
    if (input === null || input === undefined) {
        return '';
    }
    else if (typeof input === 'string' || input instanceof String) {
        return input;
    }
    return JSON.stringify(input);
}
/**
 *
 * @param annotationProperties
 * @returns The command properties to send with the actual annotation command
 * See IssueCommandProperties: https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs#L646
 */
function utils_toCommandProperties(annotationProperties) {
    if (!Object.keys(annotationProperties).length) {
        return {};
    }
    return {
        title: annotationProperties.title,
        file: annotationProperties.file,
        line: annotationProperties.startLine,
        endLine: annotationProperties.endLine,
        col: annotationProperties.startColumn,
        endColumn: annotationProperties.endColumn
    };
}
//# sourceMappingURL=utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/command.js


/**
 * Issues a command to the GitHub Actions runner
 *
 * @param command - The command name to issue
 * @param properties - Additional properties for the command (key-value pairs)
 * @param message - The message to include with the command
 * @remarks
 * This function outputs a specially formatted string to stdout that the Actions
 * runner interprets as a command. These commands can control workflow behavior,
 * set outputs, create annotations, mask values, and more.
 *
 * Command Format:
 *   ::name key=value,key=value::message
 *
 * @example
 * ```typescript
 * // Issue a warning annotation
 * issueCommand('warning', {}, 'This is a warning message');
 * // Output: ::warning::This is a warning message
 *
 * // Set an environment variable
 * issueCommand('set-env', { name: 'MY_VAR' }, 'some value');
 * // Output: ::set-env name=MY_VAR::some value
 *
 * // Add a secret mask
 * issueCommand('add-mask', {}, 'secretValue123');
 * // Output: ::add-mask::secretValue123
 * ```
 *
 * @internal
 * This is an internal utility function that powers the public API functions
 * such as setSecret, warning, error, and exportVariable.
 */
function command_issueCommand(command, properties, message) {
    const cmd = new Command(command, properties, message);
    process.stdout.write(cmd.toString() + external_os_namespaceObject.EOL);
}
function command_issue(name, message = '') {
    command_issueCommand(name, {}, message);
}
const CMD_STRING = '::';
class Command {
    constructor(command, properties, message) {
        if (!command) {
            command = 'missing.command';
        }
        this.command = command;
        this.properties = properties;
        this.message = message;
    }
    toString() {
        let cmdStr = CMD_STRING + this.command;
        if (this.properties && Object.keys(this.properties).length > 0) {
            cmdStr += ' ';
            let first = true;
            for (const key in this.properties) {
                if (this.properties.hasOwnProperty(key)) {
                    const val = this.properties[key];
                    if (val) {
                        if (first) {
                            first = false;
                        }
                        else {
                            cmdStr += ',';
                        }
                        cmdStr += `${key}=${escapeProperty(val)}`;
                    }
                }
            }
        }
        cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
        return cmdStr;
    }
}
function escapeData(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A');
}
function escapeProperty(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A')
        .replace(/:/g, '%3A')
        .replace(/,/g, '%2C');
}
//# sourceMappingURL=command.js.map
;// CONCATENATED MODULE: external "crypto"
const external_crypto_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("crypto");
;// CONCATENATED MODULE: external "fs"
const external_fs_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("fs");
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/file-command.js
// For internal use, subject to change.
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */




function file_command_issueFileCommand(command, message) {
    const filePath = process.env[`GITHUB_${command}`];
    if (!filePath) {
        throw new Error(`Unable to find environment variable for file command ${command}`);
    }
    if (!external_fs_namespaceObject.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    external_fs_namespaceObject.appendFileSync(filePath, `${utils_toCommandValue(message)}${external_os_namespaceObject.EOL}`, {
        encoding: 'utf8'
    });
}
function file_command_prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${external_crypto_namespaceObject.randomUUID()}`;
    const convertedValue = utils_toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${external_os_namespaceObject.EOL}${convertedValue}${external_os_namespaceObject.EOL}${delimiter}`;
}
//# sourceMappingURL=file-command.js.map
;// CONCATENATED MODULE: external "path"
const external_path_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("path");
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/core.js
var __awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};






/**
 * The code to exit an action
 */
var ExitCode;
(function (ExitCode) {
    /**
     * A code indicating that the action was successful
     */
    ExitCode[ExitCode["Success"] = 0] = "Success";
    /**
     * A code indicating that the action was a failure
     */
    ExitCode[ExitCode["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
//-----------------------------------------------------------------------
// Variables
//-----------------------------------------------------------------------
/**
 * Sets env variable for this action and future actions in the job
 * @param name the name of the variable to set
 * @param val the value of the variable. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function exportVariable(name, val) {
    const convertedVal = toCommandValue(val);
    process.env[name] = convertedVal;
    const filePath = process.env['GITHUB_ENV'] || '';
    if (filePath) {
        return issueFileCommand('ENV', prepareKeyValueMessage(name, val));
    }
    issueCommand('set-env', { name }, convertedVal);
}
/**
 * Registers a secret which will get masked from logs
 *
 * @param secret - Value of the secret to be masked
 * @remarks
 * This function instructs the Actions runner to mask the specified value in any
 * logs produced during the workflow run. Once registered, the secret value will
 * be replaced with asterisks (***) whenever it appears in console output, logs,
 * or error messages.
 *
 * This is useful for protecting sensitive information such as:
 * - API keys
 * - Access tokens
 * - Authentication credentials
 * - URL parameters containing signatures (SAS tokens)
 *
 * Note that masking only affects future logs; any previous appearances of the
 * secret in logs before calling this function will remain unmasked.
 *
 * @example
 * ```typescript
 * // Register an API token as a secret
 * const apiToken = "abc123xyz456";
 * setSecret(apiToken);
 *
 * // Now any logs containing this value will show *** instead
 * console.log(`Using token: ${apiToken}`); // Outputs: "Using token: ***"
 * ```
 */
function setSecret(secret) {
    issueCommand('add-mask', {}, secret);
}
/**
 * Prepends inputPath to the PATH (for this action and future actions)
 * @param inputPath
 */
function addPath(inputPath) {
    const filePath = process.env['GITHUB_PATH'] || '';
    if (filePath) {
        issueFileCommand('PATH', inputPath);
    }
    else {
        issueCommand('add-path', {}, inputPath);
    }
    process.env['PATH'] = `${inputPath}${path.delimiter}${process.env['PATH']}`;
}
/**
 * Gets the value of an input.
 * Unless trimWhitespace is set to false in InputOptions, the value is also trimmed.
 * Returns an empty string if the value is not defined.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string
 */
function getInput(name, options) {
    const val = process.env[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] || '';
    if (options && options.required && !val) {
        throw new Error(`Input required and not supplied: ${name}`);
    }
    if (options && options.trimWhitespace === false) {
        return val;
    }
    return val.trim();
}
/**
 * Gets the values of an multiline input.  Each value is also trimmed.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string[]
 *
 */
function getMultilineInput(name, options) {
    const inputs = getInput(name, options)
        .split('\n')
        .filter(x => x !== '');
    if (options && options.trimWhitespace === false) {
        return inputs;
    }
    return inputs.map(input => input.trim());
}
/**
 * Gets the input value of the boolean type in the YAML 1.2 "core schema" specification.
 * Support boolean input list: `true | True | TRUE | false | False | FALSE` .
 * The return value is also in boolean type.
 * ref: https://yaml.org/spec/1.2/spec.html#id2804923
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   boolean
 */
function getBooleanInput(name, options) {
    const trueValue = ['true', 'True', 'TRUE'];
    const falseValue = ['false', 'False', 'FALSE'];
    const val = getInput(name, options);
    if (trueValue.includes(val))
        return true;
    if (falseValue.includes(val))
        return false;
    throw new TypeError(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}\n` +
        `Support boolean input list: \`true | True | TRUE | false | False | FALSE\``);
}
/**
 * Sets the value of an output.
 *
 * @param     name     name of the output to set
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function setOutput(name, value) {
    const filePath = process.env['GITHUB_OUTPUT'] || '';
    if (filePath) {
        return file_command_issueFileCommand('OUTPUT', file_command_prepareKeyValueMessage(name, value));
    }
    process.stdout.write(external_os_namespaceObject.EOL);
    command_issueCommand('set-output', { name }, utils_toCommandValue(value));
}
/**
 * Enables or disables the echoing of commands into stdout for the rest of the step.
 * Echoing is disabled by default if ACTIONS_STEP_DEBUG is not set.
 *
 */
function setCommandEcho(enabled) {
    issue('echo', enabled ? 'on' : 'off');
}
//-----------------------------------------------------------------------
// Results
//-----------------------------------------------------------------------
/**
 * Sets the action status to failed.
 * When the action exits it will be with an exit code of 1
 * @param message add error issue message
 */
function setFailed(message) {
    process.exitCode = ExitCode.Failure;
    error(message);
}
//-----------------------------------------------------------------------
// Logging Commands
//-----------------------------------------------------------------------
/**
 * Gets whether Actions Step Debug is on or not
 */
function isDebug() {
    return process.env['RUNNER_DEBUG'] === '1';
}
/**
 * Writes debug message to user log
 * @param message debug message
 */
function debug(message) {
    issueCommand('debug', {}, message);
}
/**
 * Adds an error issue
 * @param message error issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function error(message, properties = {}) {
    command_issueCommand('error', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a warning issue
 * @param message warning issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function warning(message, properties = {}) {
    issueCommand('warning', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a notice issue
 * @param message notice issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function notice(message, properties = {}) {
    issueCommand('notice', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Writes info to log with console.log.
 * @param message info message
 */
function info(message) {
    process.stdout.write(message + os.EOL);
}
/**
 * Begin an output group.
 *
 * Output until the next `groupEnd` will be foldable in this group
 *
 * @param name The name of the output group
 */
function startGroup(name) {
    issue('group', name);
}
/**
 * End an output group.
 */
function endGroup() {
    issue('endgroup');
}
/**
 * Wrap an asynchronous function call in a group.
 *
 * Returns the same type as the function itself.
 *
 * @param name The name of the group
 * @param fn The function to wrap in the group
 */
function group(name, fn) {
    return __awaiter(this, void 0, void 0, function* () {
        startGroup(name);
        let result;
        try {
            result = yield fn();
        }
        finally {
            endGroup();
        }
        return result;
    });
}
//-----------------------------------------------------------------------
// Wrapper action state
//-----------------------------------------------------------------------
/**
 * Saves state for current action, the state can only be retrieved by this action's post job execution.
 *
 * @param     name     name of the state to store
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function saveState(name, value) {
    const filePath = process.env['GITHUB_STATE'] || '';
    if (filePath) {
        return issueFileCommand('STATE', prepareKeyValueMessage(name, value));
    }
    issueCommand('save-state', { name }, toCommandValue(value));
}
/**
 * Gets the value of an state set by this action's main execution.
 *
 * @param     name     name of the state to get
 * @returns   string
 */
function getState(name) {
    return process.env[`STATE_${name}`] || '';
}
function getIDToken(aud) {
    return __awaiter(this, void 0, void 0, function* () {
        return yield OidcClient.getIDToken(aud);
    });
}
/**
 * Summary exports
 */

/**
 * @deprecated use core.summary
 */

/**
 * Path exports
 */

/**
 * Platform utilities exports
 */

//# sourceMappingURL=core.js.map

/***/ })

/******/ });
/************************************************************************/
/******/ // The module cache
/******/ var __webpack_module_cache__ = {};
/******/ 
/******/ // The require function
/******/ function __nccwpck_require__(moduleId) {
/******/ 	// Check if module is in cache
/******/ 	var cachedModule = __webpack_module_cache__[moduleId];
/******/ 	if (cachedModule !== undefined) {
/******/ 		return cachedModule.exports;
/******/ 	}
/******/ 	// Create a new module (and put it into the cache)
/******/ 	var module = __webpack_module_cache__[moduleId] = {
/******/ 		// no module.id needed
/******/ 		// no module.loaded needed
/******/ 		exports: {}
/******/ 	};
/******/ 
/******/ 	// Execute the module function
/******/ 	var threw = true;
/******/ 	try {
/******/ 		__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 		threw = false;
/******/ 	} finally {
/******/ 		if(threw) delete __webpack_module_cache__[moduleId];
/******/ 	}
/******/ 
/******/ 	// Return the exports of the module
/******/ 	return module.exports;
/******/ }
/******/ 
/************************************************************************/
/******/ /* webpack/runtime/asset-relocator-loader */
/******/ if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = decodeURIComponent(new URL('.', import.meta.url).pathname).slice(import.meta.url.match(/^file:\/\/\/\w:/) ? 1 : 0, -1) + "/";
/******/ 
/******/ /* webpack/runtime/async module */
/******/ (() => {
/******/ 	var webpackQueues = typeof Symbol === "function" ? Symbol("webpack queues") : "__webpack_queues__";
/******/ 	var webpackExports = typeof Symbol === "function" ? Symbol("webpack exports") : "__webpack_exports__";
/******/ 	var webpackError = typeof Symbol === "function" ? Symbol("webpack error") : "__webpack_error__";
/******/ 	var resolveQueue = (queue) => {
/******/ 		if(queue && queue.d < 1) {
/******/ 			queue.d = 1;
/******/ 			queue.forEach((fn) => (fn.r--));
/******/ 			queue.forEach((fn) => (fn.r-- ? fn.r++ : fn()));
/******/ 		}
/******/ 	}
/******/ 	var wrapDeps = (deps) => (deps.map((dep) => {
/******/ 		if(dep !== null && typeof dep === "object") {
/******/ 			if(dep[webpackQueues]) return dep;
/******/ 			if(dep.then) {
/******/ 				var queue = [];
/******/ 				queue.d = 0;
/******/ 				dep.then((r) => {
/******/ 					obj[webpackExports] = r;
/******/ 					resolveQueue(queue);
/******/ 				}, (e) => {
/******/ 					obj[webpackError] = e;
/******/ 					resolveQueue(queue);
/******/ 				});
/******/ 				var obj = {};
/******/ 				obj[webpackQueues] = (fn) => (fn(queue));
/******/ 				return obj;
/******/ 			}
/******/ 		}
/******/ 		var ret = {};
/******/ 		ret[webpackQueues] = x => {};
/******/ 		ret[webpackExports] = dep;
/******/ 		return ret;
/******/ 	}));
/******/ 	__nccwpck_require__.a = (module, body, hasAwait) => {
/******/ 		var queue;
/******/ 		hasAwait && ((queue = []).d = -1);
/******/ 		var depQueues = new Set();
/******/ 		var exports = module.exports;
/******/ 		var currentDeps;
/******/ 		var outerResolve;
/******/ 		var reject;
/******/ 		var promise = new Promise((resolve, rej) => {
/******/ 			reject = rej;
/******/ 			outerResolve = resolve;
/******/ 		});
/******/ 		promise[webpackExports] = exports;
/******/ 		promise[webpackQueues] = (fn) => (queue && fn(queue), depQueues.forEach(fn), promise["catch"](x => {}));
/******/ 		module.exports = promise;
/******/ 		body((deps) => {
/******/ 			currentDeps = wrapDeps(deps);
/******/ 			var fn;
/******/ 			var getResult = () => (currentDeps.map((d) => {
/******/ 				if(d[webpackError]) throw d[webpackError];
/******/ 				return d[webpackExports];
/******/ 			}))
/******/ 			var promise = new Promise((resolve) => {
/******/ 				fn = () => (resolve(getResult));
/******/ 				fn.r = 0;
/******/ 				var fnQueue = (q) => (q !== queue && !depQueues.has(q) && (depQueues.add(q), q && !q.d && (fn.r++, q.push(fn))));
/******/ 				currentDeps.map((dep) => (dep[webpackQueues](fnQueue)));
/******/ 			});
/******/ 			return fn.r ? promise : getResult();
/******/ 		}, (err) => ((err ? reject(promise[webpackError] = err) : outerResolve(exports)), resolveQueue(queue)));
/******/ 		queue && queue.d < 0 && (queue.d = 0);
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/define property getters */
/******/ (() => {
/******/ 	// define getter functions for harmony exports
/******/ 	__nccwpck_require__.d = (exports, definition) => {
/******/ 		for(var key in definition) {
/******/ 			if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 				Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 			}
/******/ 		}
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/hasOwnProperty shorthand */
/******/ (() => {
/******/ 	__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ })();
/******/ 
/************************************************************************/
/******/ 
/******/ // startup
/******/ // Load entry module and return exports
/******/ // This entry module used 'module' so it can't be inlined
/******/ var __webpack_exports__ = __nccwpck_require__(738);
/******/ __webpack_exports__ = await __webpack_exports__;
/******/ 
