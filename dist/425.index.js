export const id = 425;
export const ids = [425];
export const modules = {

/***/ 1425:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createKubeconfigConnection: () => (/* binding */ createKubeconfigConnection)
});

// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(4708);
// EXTERNAL MODULE: ./build/failures/action-error.js + 1 modules
var action_error = __webpack_require__(5427);
;// CONCATENATED MODULE: ./build/failures/kubeconfig.js

const defaultRemedy = 'Set kubeconfig to a file that kubectl accepts on this runner ("kubectl --kubeconfig FILE get namespace"), and set context unless the current context is the intended one.';
const kubeconfigInvalid = (paths, problem, remedy = defaultRemedy, cause) => new action_error/* ActionError */.l({
    code: 'kubeconfig-invalid',
    problem: `Kubeconfig ${paths.join(', ')} ${problem}.`,
    remedy,
    cause,
});
const kubeconfigNotFound = (path) => kubeconfigInvalid([path], 'does not exist');
const readErrors = {
    EACCES: "is not readable for the runner's user",
    EISDIR: 'is a directory, not a file',
};
const kubeconfigUnreadable = (path, errorCode) => kubeconfigInvalid([path], readErrors[errorCode] ?? `cannot be read (${errorCode})`);
const kubeconfigNotYaml = (path, line) => kubeconfigInvalid([path], `is not valid YAML: syntax error in line ${line}`);
const kubeconfigMalformed = (path) => kubeconfigInvalid([path], 'is not a kubeconfig');
const kubeconfigContextNotFound = (paths, context, available) => kubeconfigInvalid(paths, `does not contain context ${context}; its contexts are: ${available.join(', ') || 'none'}`);
const kubeconfigClusterNotFound = (paths, context) => kubeconfigInvalid(paths, `does not define a cluster for context ${context || '(none)'}`);
const kubeconfigServerNotHttps = (paths, server) => kubeconfigInvalid(paths, `sets server ${server}, which is not an https URL`);
const execPluginApiRemoved = (paths, { command, apiVersion }) => kubeconfigInvalid(paths, `runs ${command} for credentials with ${apiVersion}, which Kubernetes no longer supports`, 'Regenerate the file ("aws eks update-kubeconfig" of a current AWS CLI), or set input cluster instead.');
const kubeconfigCredentialsFailed = (paths, failure) => kubeconfigInvalid(paths, `does not provide credentials: ${failure.reason}`, failure.execCommand === undefined
    ? defaultRemedy
    : `Check that "${failure.execCommand}", the program that it runs, is on this runner's PATH and works. For EKS, set input cluster instead, which needs no program.`, failure.cause);
const kubeconfigProgramTimedOut = (paths, { command, timeout }) => kubeconfigInvalid(paths, `runs ${command} for credentials, which did not end within ${timeout} s and was stopped`, `Run ${command} on this runner without a terminal ("${command} < /dev/null"): it must print credentials and not ask for anything. For EKS, set input cluster instead, which needs no program.`);

// EXTERNAL MODULE: ./build/clients/kubernetes/connection.js
var connection = __webpack_require__(3222);
// EXTERNAL MODULE: ./node_modules/@kubernetes/client-node/dist/config.js + 23 modules
var dist_config = __webpack_require__(1725);
// EXTERNAL MODULE: ./build/util/text.js
var util_text = __webpack_require__(3506);
// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
;// CONCATENATED MODULE: ./build/clients/kubernetes/exec-plugin.js

class ExecTimeoutError extends Error {
}
const execTimeout = 60;
const maxOutputLength = 1024 * 1024;
const renewalMargin = 30_000;
class ExecCredentialSource {
    plugin;
    options;
    latest;
    pending;
    constructor(plugin, options) {
        this.plugin = plugin;
        this.options = options;
    }
    async credential() {
        if (this.latest && !this.isExpired(this.latest))
            return this.latest;
        this.pending ??= this.renew();
        return this.pending;
    }
    invalidate() {
        this.latest = undefined;
    }
    async renew() {
        try {
            this.latest = await runPlugin(this.plugin, this.options);
            return this.latest;
        }
        finally {
            this.pending = undefined;
        }
    }
    isExpired({ expirationTimestamp }) {
        const expiry = Date.parse(expirationTimestamp ?? '');
        return expiry - renewalMargin < this.options.clock.now();
    }
}
async function runPlugin(plugin, options) {
    const child = (0,external_node_child_process_.spawn)(plugin.command ?? '', [...(plugin.args ?? [])], {
        env: buildEnvironment(plugin, options.environment),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
    });
    const ended = new AbortController();
    const limit = options.clock
        .sleep(execTimeout * 1000, AbortSignal.any([options.signal, ended.signal]))
        .then(() => {
        throw new ExecTimeoutError(`it did not end within ${execTimeout} s`);
    });
    limit.catch(() => undefined);
    try {
        return parseCredential(await Promise.race([collectOutput(child), limit]));
    }
    catch (thrown) {
        endProcessGroup(child);
        throw thrown;
    }
    finally {
        ended.abort();
    }
}
function buildEnvironment({ env, apiVersion }, environment) {
    const ownVariables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false } };
    return { ...environment, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...ownVariables };
}
function collectOutput(child) {
    return new Promise((resolve, reject) => {
        let [stdout, stderr] = ['', ''];
        child.stdout?.setEncoding('utf8').on('data', (chunk) => {
            stdout += chunk;
            if (stdout.length > maxOutputLength)
                reject(new Error('it prints more than a credential'));
        });
        child.stderr?.setEncoding('utf8').on('data', (chunk) => {
            stderr = (stderr + chunk).slice(-maxOutputLength);
        });
        child.on('error', reject);
        child.on('close', (exitCode) => {
            if (exitCode === 0)
                resolve(stdout);
            else
                reject(new Error(stderr.trim() || `it ended with exit code ${exitCode ?? 'none'}`));
        });
    });
}
function parseCredential(text) {
    let document;
    try {
        document = JSON.parse(text);
    }
    catch {
        throw new Error('it does not print JSON');
    }
    const { status } = document ?? {};
    if (!status?.token && !status?.clientCertificateData)
        throw new Error('it prints an ExecCredential without a token or a certificate');
    return status;
}
function endProcessGroup(child) {
    child.stdout?.destroy();
    child.stderr?.destroy();
    if (child.pid === undefined)
        return;
    try {
        process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    }
    catch {
    }
}

;// CONCATENATED MODULE: ./build/clients/kubernetes/kubeconfig-credentials.js




class KubeconfigCredentials {
    config;
    paths;
    plugin;
    source;
    maskOnce;
    constructor(config, paths, options) {
        this.config = config;
        this.paths = paths;
        this.plugin = findPlugin(config.getCurrentUser());
        checkPluginApi(paths, this.plugin);
        this.source = this.plugin && new ExecCredentialSource(this.plugin, options);
        const masked = new Set();
        this.maskOnce = (secret) => {
            if (!masked.has(secret))
                options.maskSecret(secret);
            masked.add(secret);
        };
    }
    async read() {
        const clientOptions = {};
        try {
            const config = this.source
                ? withCredential(this.config, await this.source.credential())
                : this.config;
            await config.applyToHTTPSOptions(clientOptions);
        }
        catch (thrown) {
            throw this.toFailure(thrown);
        }
        const options = trimAuthorization(clientOptions);
        listSecrets(options).forEach(this.maskOnce);
        return options;
    }
    invalidate() {
        this.source?.invalidate();
        return this.source !== undefined;
    }
    toFailure(thrown) {
        const { command = '' } = this.plugin ?? {};
        if (thrown instanceof ExecTimeoutError)
            return kubeconfigProgramTimedOut(this.paths, { command, timeout: execTimeout });
        return kubeconfigCredentialsFailed(this.paths, {
            reason: (0,util_text/* getErrorMessage */.u1)(thrown),
            execCommand: this.plugin && command,
            cause: thrown,
        });
    }
}
function findPlugin(user) {
    const { config } = (user?.authProvider ?? {});
    return user?.exec ?? config?.exec;
}
function checkPluginApi(paths, plugin) {
    const { command = 'a program', apiVersion } = plugin ?? {};
    if (apiVersion?.endsWith('/v1alpha1'))
        throw execPluginApiRemoved(paths, { command, apiVersion });
}
const toBase64 = (text) => Buffer.from(text).toString('base64');
function withCredential(config, credential) {
    const { token, clientCertificateData, clientKeyData } = credential;
    const printed = {};
    if (token !== undefined)
        printed.token = token;
    if (clientCertificateData !== undefined)
        printed.certData = toBase64(clientCertificateData);
    if (clientKeyData !== undefined)
        printed.keyData = toBase64(clientKeyData);
    const currentUser = config.getCurrentUser();
    const users = config
        .getUsers()
        .map((user) => user === currentUser
        ? { ...user, ...printed, exec: undefined, authProvider: undefined }
        : user);
    const result = new dist_config/* KubeConfig */.yp();
    result.loadFromOptions({
        clusters: config.getClusters(),
        contexts: config.getContexts(),
        users,
        currentContext: config.getCurrentContext(),
    });
    return result;
}
function trimAuthorization(options) {
    const headers = (options.headers ?? {});
    const { Authorization: authorization } = headers;
    if (authorization === undefined)
        return options;
    return { ...options, headers: { ...headers, Authorization: authorization.trim() } };
}
function listSecrets({ headers, auth, key, pfx, passphrase }) {
    const { Authorization: authorization = '' } = (headers ?? {});
    const texts = [
        authorization,
        authorization.replace(/^\w+ /, ''),
        auth,
        auth?.replace(/^[^:]*:/, ''),
        key,
        pfx,
        passphrase,
    ];
    return texts.filter((text) => text !== undefined && text !== null && text !== '').map(String);
}
function maskUrlPasswords(urls, { maskSecret }) {
    for (const url of urls) {
        const [, password] = /^[^/]*\/\/[^:/]*:([^@]+)@/.exec(url ?? '') ?? [];
        if (password !== undefined)
            maskSecret(password);
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./node_modules/js-yaml/dist/js-yaml.mjs
var js_yaml = __webpack_require__(3243);
;// CONCATENATED MODULE: ./build/clients/kubernetes/kubeconfig.js





function loadKubeconfig(paths, context) {
    const files = paths
        .filter((path) => paths.length === 1 || (0,external_node_fs_.existsSync)(path))
        .map((path) => readKubeconfig(path));
    const config = new dist_config/* KubeConfig */.yp();
    config.loadFromOptions({
        clusters: uniqueByName(files.flatMap(({ clusters }) => clusters)),
        users: uniqueByName(files.flatMap(({ users }) => users)),
        contexts: uniqueByName(files.flatMap(({ contexts }) => contexts)),
        currentContext: files.map(({ currentContext }) => currentContext).find((name) => name) ?? '',
    });
    if (context === undefined)
        return config;
    const contextNames = config.getContexts().map(({ name }) => name);
    if (!contextNames.includes(context))
        throw kubeconfigContextNotFound(paths, context, contextNames);
    config.setCurrentContext(context);
    return config;
}
const uniqueByName = (entries) => entries.filter((entry, index) => entries.findIndex(({ name }) => name === entry.name) === index);
function readKubeconfig(path) {
    try {
        const config = new dist_config/* KubeConfig */.yp();
        config.loadFromFile(path);
        requireStrings(config);
        addTokenFiles(config, path);
        resolveExecCommands(config, path);
        return config;
    }
    catch (thrown) {
        throw toReadFailure(path, thrown);
    }
}
function requireStrings({ currentContext, clusters }) {
    const texts = [currentContext, ...clusters.map(({ server }) => server)];
    if (!texts.every((text) => text === undefined || typeof text === 'string'))
        throw new TypeError('a number or a map');
}
function addTokenFiles(config, path) {
    const { users = [] } = (0,js_yaml/* load */.Hh)((0,external_node_fs_.readFileSync)(path, 'utf8'));
    const tokenFiles = new Map();
    for (const { name, user } of users)
        if (user?.tokenFile !== undefined)
            tokenFiles.set(name, (0,external_node_path_.resolve)((0,external_node_path_.dirname)(path), user.tokenFile));
    config.users = config.users.map((user) => {
        const tokenFile = tokenFiles.get(user.name);
        if (tokenFile === undefined)
            return user;
        return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
    });
}
function resolveExecCommands(config, path) {
    config.users = config.users.map((user) => {
        const exec = user.exec;
        if (!exec?.command?.includes(external_node_path_.sep))
            return user;
        return { ...user, exec: { ...exec, command: (0,external_node_path_.resolve)((0,external_node_path_.dirname)(path), exec.command) } };
    });
}
function toReadFailure(path, thrown) {
    const { mark, code = '' } = thrown;
    if (code === 'ENOENT')
        return kubeconfigNotFound(path);
    if (/^E[A-Z]+$/.test(code))
        return kubeconfigUnreadable(path, code);
    return mark?.line === undefined
        ? kubeconfigMalformed(path)
        : kubeconfigNotYaml(path, mark.line + 1);
}

;// CONCATENATED MODULE: ./build/clients/kubernetes/kubeconfig-connection.js





function createKubeconfigConnection({ paths, context }, options) {
    const config = loadKubeconfig(paths, context);
    const cluster = config.getCurrentCluster();
    if (!cluster)
        throw kubeconfigClusterNotFound(paths, config.getCurrentContext());
    maskUrlPasswords([cluster.server, cluster.proxyUrl], options);
    if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== 'https:')
        throw kubeconfigServerNotHttps(paths, cluster.server);
    if (cluster.skipTLSVerify)
        options.warn(describeSkippedVerification(paths));
    const credentials = new KubeconfigCredentials(config, paths, options);
    const getAgent = agentCache(options.environment);
    return {
        server: cluster.server,
        options: async () => {
            const requestOptions = await credentials.read();
            if (cluster.proxyUrl)
                return requestOptions;
            return {
                headers: requestOptions.headers ?? {},
                auth: requestOptions.auth ?? null,
                agent: getAgent(requestOptions),
            };
        },
        invalidateCredentials: () => credentials.invalidate(),
    };
}
const describeSkippedVerification = (paths) => `Kubeconfig ${paths.join(', ')} sets insecure-skip-tls-verify: whoever can intercept the ` +
    'connection can read its credentials. Set certificate-authority-data instead.';
function agentCache(environment) {
    let cached;
    return (options) => {
        const key = JSON.stringify([String(options.ca), String(options.cert)]);
        if (cached?.key !== key)
            cached = { key, agent: createAgent(options, environment) };
        return cached.agent;
    };
}
function createAgent(options, environment) {
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized = true, servername } = options;
    const caOptions = ca === undefined ? {} : { ca: [String(ca), ...(0,connection/* extraCaCertificates */.l)()] };
    const tlsOptions = Object.fromEntries(Object.entries({ cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined));
    return new external_node_https_.Agent({ keepAlive: true, proxyEnv: environment, ...tlsOptions, ...caOptions });
}


/***/ })

};
