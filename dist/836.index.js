export const id = 836;
export const ids = [836];
export const modules = {

/***/ 1836:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   EksTokenSource: () => (/* binding */ EksTokenSource),
/* harmony export */   createEksClient: () => (/* binding */ createEksClient),
/* harmony export */   describeCluster: () => (/* binding */ describeCluster)
/* harmony export */ });
/* harmony import */ var _aws_sdk_client_eks__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4524);
/* harmony import */ var _smithy_core_serde__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2430);
/* harmony import */ var _smithy_signature_v4__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5118);
/* harmony import */ var _failures_aws_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2519);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3202);





const createEksClient = (config) => new _aws_sdk_client_eks__WEBPACK_IMPORTED_MODULE_2__/* .EKSClient */ .JQJ(config);
async function describeCluster(eks, name, region) {
    const cluster = await getCluster(eks, name, region);
    const { status = 'unknown', endpoint, certificateAuthority, resourcesVpcConfig } = cluster;
    if (cluster.connectorConfig)
        throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksClusterOnlyRegistered */ .Q2)(name);
    if (status === 'DELETING')
        throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksClusterBeingDeleted */ .wp)(name);
    if (status === 'FAILED')
        throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksClusterCreationFailed */ .YX)(name);
    if (!endpoint || !certificateAuthority?.data)
        throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksClusterNotReady */ .cX)(name, status);
    return {
        server: endpoint,
        certificateAuthority: Buffer.from(certificateAuthority.data, 'base64').toString(),
        tokenAudience: cluster.id ?? name,
        vpcId: resourcesVpcConfig?.vpcId,
        accountId: cluster.arn?.split(':')[4],
        accessRestriction: describeAccessRestriction(resourcesVpcConfig),
    };
}
async function getCluster(eks, name, region) {
    try {
        const { cluster } = await eks.send(new _aws_sdk_client_eks__WEBPACK_IMPORTED_MODULE_2__/* .DescribeClusterCommand */ .hV5({ name }));
        return cluster ?? {};
    }
    catch (thrown) {
        if ((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .errorName */ .Is)(thrown) === 'ResourceNotFoundException')
            throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksClusterNotFound */ .n2)(name, region, thrown);
        throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .translateAwsError */ .q4)('eks:DescribeCluster', thrown);
    }
}
function describeAccessRestriction(vpcConfig) {
    if (vpcConfig?.endpointPublicAccess === false)
        return 'is private: it can be reached only from the VPC of the cluster and connected networks';
    const cidrs = vpcConfig?.publicAccessCidrs ?? [];
    if (cidrs.length === 0 || cidrs.includes('0.0.0.0/0'))
        return undefined;
    return (`accepts connections only from ${cidrs.join(', ')}, ` +
        'and from the VPC of the cluster if private access is enabled');
}
const tokenRefreshAfter = 10 * 60_000;
const maxTokenLength = 4096;
const dnsSuffixes = [
    [/^cn-/, 'amazonaws.com.cn'],
    [/^us-iso-/, 'c2s.ic.gov'],
    [/^us-isob-/, 'sc2s.sgov.gov'],
    [/^eu-isoe-/, 'cloud.adc-e.uk'],
    [/^(us|eu)-isof-/, 'csp.hci.ic.gov'],
    [/^eusc-/, 'amazonaws.eu'],
    [/^/, 'amazonaws.com'],
];
class EksTokenSource {
    options;
    cachedToken;
    constructor(options) {
        this.options = options;
    }
    token() {
        const now = this.options.clock.now();
        if (!this.cachedToken || now - this.cachedToken.createdAt >= tokenRefreshAfter) {
            const token = this.createToken(now);
            this.cachedToken = { token, createdAt: now };
            token.catch(() => this.invalidate());
        }
        return this.cachedToken.token;
    }
    invalidate() {
        this.cachedToken = undefined;
    }
    async createToken(now) {
        const { eks, cluster, maskSecret } = this.options;
        const signingDate = new Date(now + eks.config.systemClockOffset);
        const url = await this.presignCallerIdentity(signingDate);
        const token = `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`;
        maskSecret(token);
        if (token.length > maxTokenLength)
            throw (0,_failures_aws_js__WEBPACK_IMPORTED_MODULE_0__/* .eksTokenTooLong */ .JE)(cluster, maxTokenLength);
        return token;
    }
    async presignCallerIdentity(signingDate) {
        const { clients, audience } = this.options;
        const hostname = getStsHostname(clients.region);
        const signer = new _smithy_signature_v4__WEBPACK_IMPORTED_MODULE_3__.SignatureV4({
            service: 'sts',
            region: clients.region,
            credentials: clients.credentials,
            sha256: _smithy_core_serde__WEBPACK_IMPORTED_MODULE_4__.Hash.bind(null, 'sha256'),
        });
        const request = {
            method: 'GET',
            protocol: 'https:',
            hostname,
            path: '/',
            query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
            headers: { host: hostname, 'x-k8s-aws-id': audience },
        };
        try {
            const { query } = await signer.presign(request, { expiresIn: 60, signingDate });
            const parameters = new URLSearchParams(query);
            return `https://${hostname}/?${parameters.toString()}`;
        }
        catch (thrown) {
            throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .translateAwsError */ .q4)('sts:GetCallerIdentity', thrown);
        }
    }
}
function getStsHostname(region) {
    const [, suffix = ''] = dnsSuffixes.find(([prefix]) => prefix.test(region)) ?? [];
    return `sts.${region}.${suffix}`;
}


/***/ })

};
