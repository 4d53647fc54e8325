package dev.llmproxy.admin;

/**
 * A sign-in that waits for the answer of its OpenID provider.
 *
 * @param state comes back with the answer, so that no other page can make up one
 * @param nonce comes back in the ID token, so that no other token is accepted
 * @param verifier proves to the provider who began the sign-in (RFC 7636)
 */
record PendingSignIn(SignInMethod method, String state, String nonce, String verifier) {}
