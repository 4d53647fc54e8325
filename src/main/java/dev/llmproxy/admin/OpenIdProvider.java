package dev.llmproxy.admin;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientAuthenticationMethod;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.Prompt;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Person;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An OpenID provider at which people sign in, by the authorization code flow with PKCE (<a
 * href="https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth">OpenID Connect Core,
 * section 3.1</a>). Its addresses and keys come from its discovery document, which is read with the
 * first sign-in and again after an hour.
 */
final class OpenIdProvider {
  private static final int TIMEOUT_MILLIS = 3_000;
  private static final int MOST_KEY_BYTES = 100_000;
  private static final Duration FRESH = Duration.ofHours(1);

  private final SignInMethod method;
  private final String label;
  private final Issuer issuer;
  private final ClientID client;
  private final Secret secret;
  private final Clock clock;
  private Known known;

  /**
   * @param label the provider's name for people
   * @param secret null for a public client
   */
  OpenIdProvider(
      SignInMethod method, String label, String issuer, String client, String secret, Clock clock) {
    this.method = method;
    this.label = label;
    this.issuer = new Issuer(issuer);
    this.client = new ClientID(client);
    this.secret = secret == null ? null : new Secret(secret);
    this.clock = clock;
  }

  SignInMethod method() {
    return method;
  }

  String label() {
    return label;
  }

  /**
   * The provider's page on which a person signs in.
   *
   * @throws SignInException when the provider cannot be reached
   */
  URI page(PendingSignIn pending, URI callback) throws SignInException {
    return new AuthenticationRequest.Builder(
            ResponseType.CODE, new Scope("openid", "email"), client, callback)
        .endpointURI(known().metadata().getAuthorizationEndpointURI())
        .state(new State(pending.state()))
        .nonce(new Nonce(pending.nonce()))
        .codeChallenge(new CodeVerifier(pending.verifier()), CodeChallengeMethod.S256)
        .prompt(new Prompt(Prompt.Type.SELECT_ACCOUNT))
        .build()
        .toURI();
  }

  /**
   * The person who has signed in.
   *
   * @param code the code that the provider has given to the browser
   * @throws SignInException when the provider cannot be reached, refuses the code, or says nothing
   *     valid about a verified address
   */
  Person person(String code, PendingSignIn pending, URI callback) throws SignInException {
    Known provider = known();
    try {
      HTTPRequest request =
          tokenRequest(
                  provider.metadata(),
                  new AuthorizationCodeGrant(
                      new AuthorizationCode(code), callback, new CodeVerifier(pending.verifier())))
              .toHTTPRequest();
      request.setConnectTimeout(TIMEOUT_MILLIS);
      request.setReadTimeout(TIMEOUT_MILLIS);
      request.setFollowRedirects(false);
      TokenResponse answer = OIDCTokenResponseParser.parse(request.send());
      if (!answer.indicatesSuccess()) {
        throw new SignInException(
            SignInException.FAILED,
            "it refuses the code: " + answer.toErrorResponse().getErrorObject().getCode());
      }
      OIDCTokenResponse tokens = (OIDCTokenResponse) answer.toSuccessResponse();
      return person(
          provider
              .validator()
              .validate(tokens.getOIDCTokens().getIDToken(), new Nonce(pending.nonce())));
    } catch (IOException e) {
      throw new SignInException(SignInException.UNAVAILABLE, "it cannot be reached: " + e);
    } catch (ParseException e) {
      throw new SignInException(SignInException.FAILED, "its answer has another form");
    } catch (BadJOSEException | JOSEException e) {
      throw new SignInException(
          SignInException.FAILED, "its ID token is not valid: " + e.getMessage());
    }
  }

  private Person person(IDTokenClaimsSet claims) throws SignInException {
    String email = claims.getStringClaim("email");
    // In some of Google's tokens it is a string.
    boolean verified = "true".equals(String.valueOf(claims.getClaim("email_verified")));
    if (email == null || !EmailAddress.isAddress(email) || !verified) {
      throw new SignInException(
          SignInException.FAILED, "its ID token has no verified address of the person");
    }
    // Google has accounts of everyone and says which organisation owns one. The operator has chosen
    // any other provider for its accounts.
    String domain =
        method == SignInMethod.GOOGLE ? claims.getStringClaim("hd") : EmailAddress.domain(email);
    return new Person(email, domain);
  }

  private TokenRequest tokenRequest(OIDCProviderMetadata metadata, AuthorizationCodeGrant grant) {
    URI endpoint = metadata.getTokenEndpointURI();
    if (secret == null) {
      return new TokenRequest.Builder(endpoint, client, grant).build();
    }
    List<ClientAuthenticationMethod> methods = metadata.getTokenEndpointAuthMethods();
    // Basic is the method of a provider that names none.
    boolean basic =
        methods == null || methods.contains(ClientAuthenticationMethod.CLIENT_SECRET_BASIC);
    return new TokenRequest.Builder(
            endpoint,
            basic ? new ClientSecretBasic(client, secret) : new ClientSecretPost(client, secret),
            grant)
        .build();
  }

  private synchronized Known known() throws SignInException {
    Instant now = clock.instant();
    if (known == null || !now.isBefore(known.until())) {
      known = discover(now.plus(FRESH));
    }
    return known;
  }

  private Known discover(Instant until) throws SignInException {
    try {
      OIDCProviderMetadata metadata =
          OIDCProviderMetadata.resolve(issuer, TIMEOUT_MILLIS, TIMEOUT_MILLIS);
      for (URI address :
          new URI[] {
            metadata.getAuthorizationEndpointURI(),
            metadata.getTokenEndpointURI(),
            metadata.getJWKSetURI()
          }) {
        if (!TrustedAddress.isTrusted(address)) {
          throw new SignInException(
              SignInException.UNAVAILABLE, "its discovery document names " + address);
        }
      }
      JWKSource<SecurityContext> keys =
          JWKSourceBuilder.create(
                  metadata.getJWKSetURI().toURL(),
                  new DefaultResourceRetriever(TIMEOUT_MILLIS, TIMEOUT_MILLIS, MOST_KEY_BYTES))
              .retrying(true)
              .build();
      Set<JWSAlgorithm> algorithms =
          metadata.getIDTokenJWSAlgs() == null
              ? Set.of(JWSAlgorithm.RS256)
              : metadata.getIDTokenJWSAlgs().stream()
                  // An algorithm with a shared secret would let the public key sign.
                  .filter(JWSAlgorithm.Family.SIGNATURE::contains)
                  .collect(Collectors.toUnmodifiableSet());
      return new Known(
          metadata,
          new IDTokenValidator(
              issuer, client, new JWSVerificationKeySelector<>(algorithms, keys), null),
          until);
    } catch (GeneralException | IOException | IllegalArgumentException e) {
      throw new SignInException(
          SignInException.UNAVAILABLE, "its discovery document cannot be read: " + e.getMessage());
    }
  }

  private record Known(OIDCProviderMetadata metadata, IDTokenValidator validator, Instant until) {}
}
