/** authentication.k8s.io/v1: TokenRequest. The notation: wire/schema.ts. */
export const authenticationMessages = `
TokenRequest: 1 metadata ObjectMeta, 2 spec TokenRequestSpec, 3 status TokenRequestStatus
TokenRequestSpec: 1 audiences []string!, 3 boundObjectRef *BoundObjectReference!, 4 expirationSeconds *int!
BoundObjectReference: 1 kind string, 2 apiVersion string, 3 name string, 4 uid string
TokenRequestStatus: 1 token string!, 2 expirationTimestamp Time!
`;
