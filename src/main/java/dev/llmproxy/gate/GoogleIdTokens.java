package dev.llmproxy.gate;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.BadJWTException;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.call.Person;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.util.Date;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Verifies Google ID tokens as <a
 * href="https://developers.google.com/identity/gsi/web/guides/verify-google-id-token">Google
 * requires</a>. Google's keys are fetched with the first token, again within the hour, and for an
 * unknown key id. When they cannot be fetched, the known keys stay valid for a day.
 */
public final class GoogleIdTokens {
  /** Name of the setting that switches sign-in on: client ids, separated by commas. */
  public static final String CLIENT_ID = "GOOGLE_CLIENT_ID";

  /** Name of the setting with the URL of Google's keys. */
  public static final String KEYS_URL = "GOOGLE_KEYS_URL";

  private static final Logger LOG = LoggerFactory.getLogger(GoogleIdTokens.class);
  private static final Set<String> ISSUERS =
      Set.of("accounts.google.com", "https://accounts.google.com");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final Duration SKEW = Duration.ofSeconds(60);
  private static final Duration HTTP_TIMEOUT = Duration.ofSeconds(3);
  // How long to wait while another request fetches the keys.
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final int MOST_KEY_BYTES = 100_000;
  private static final JWKSelector ANY_KEY = new JWKSelector(new JWKMatcher.Builder().build());

  private final Set<String> clientIds;
  private final JWKSource<SecurityContext> keys;
  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
  private final Pace pace;

  /**
   * How often keys are fetched.
   *
   * @param fresh how long fetched keys are used without fetching again
   * @param outage how long keys stay valid when they cannot be fetched again
   * @param pause period in which keys are fetched at most twice, whatever tokens come
   */
  record Pace(Duration fresh, Duration outage, Duration pause) {
    private static final Pace USUAL =
        new Pace(Duration.ofHours(1), Duration.ofDays(1), Duration.ofSeconds(10));
  }

  /**
   * @throws Settings.SettingException when the URL of the keys is invalid, or neither https nor on
   *     this machine
   */
  public GoogleIdTokens(SignInSettings settings, Clock clock) {
    this(settings, clock, Pace.USUAL);
  }

  GoogleIdTokens(SignInSettings settings, Clock clock, Pace pace) {
    this.pace = pace;
    clientIds = Set.copyOf(settings.clientIds());
    keys = keys(keysUrl(settings.keysUrl()), pace);
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, keys));
    processor.setJWTClaimsSetVerifier(new ClaimsVerifier(clientIds, clock));
  }

  /** Whether sign-in is configured. */
  public boolean accepted() {
    return !clientIds.isEmpty();
  }

  /**
   * Verifies a token.
   *
   * @return the person; empty when the token is not valid, or not meant for this server
   * @throws ApiException 503 when Google's keys cannot be fetched
   */
  Optional<Person> verify(String token) {
    try {
      SignedJWT signed = SignedJWT.parse(token);
      demandKeys();
      JWTClaimsSet claims = processor.process(signed, null);
      return Optional.of(new Person(claims.getStringClaim("email"), claims.getStringClaim("hd")));
    } catch (ParseException | BadJOSEException | JOSEException e) {
      // Not the message of every exception: it may repeat the client's text.
      LOG.debug("An ID token was refused: {}", reason(e));
      return Optional.empty();
    }
  }

  /** Fails when there are no keys at all. After it, a missing key means a wrong token. */
  private void demandKeys() {
    try {
      keys.get(ANY_KEY, null);
    } catch (KeySourceException e) {
      if (!(e instanceof RateLimitReachedException)) {
        LOG.warn("Nobody can sign in because Google's keys cannot be read: {}", e.getMessage());
      }
      throw OpenAiErrors.signInUnavailable(pace.pause()).asException();
    }
  }

  private static String reason(Exception e) {
    return e instanceof BadJWTException ? e.getMessage() : e.getClass().getSimpleName();
  }

  private static JWKSource<SecurityContext> keys(URL url, Pace pace) {
    int timeout = (int) HTTP_TIMEOUT.toMillis();
    long fresh = pace.fresh().toMillis();
    return JWKSourceBuilder.create(
            url, new DefaultResourceRetriever(timeout, timeout, MOST_KEY_BYTES))
        .cache(fresh, Math.min(PATIENCE.toMillis(), fresh / 2))
        .refreshAheadCache(
            fresh / 4, null, Executors.newVirtualThreadPerTaskExecutor(), true, null, false)
        .rateLimited(pace.pause().toMillis())
        .outageTolerant(pace.outage().toMillis())
        .build();
  }

  private static URL keysUrl(String text) {
    try {
      URI uri = URI.create(text);
      boolean secret =
          "https".equals(uri.getScheme())
              || ("http".equals(uri.getScheme())
                  && uri.getHost() != null
                  && LOOPBACK.contains(uri.getHost()));
      if (secret && uri.getHost() != null) {
        return uri.toURL();
      }
    } catch (IllegalArgumentException | MalformedURLException e) {
      // Reported below.
    }
    throw new Settings.SettingException(
        "%s is \"%s\"; it must be an https URL, or an http URL on this machine"
            .formatted(KEYS_URL, text));
  }

  /**
   * Checks the claims. The library checks audience, expiry and start; this class checks the rest.
   */
  private static final class ClaimsVerifier extends DefaultJWTClaimsVerifier<SecurityContext> {
    private static final Set<String> NEEDED = Set.of("iss", "sub", "iat", "exp", "email");

    private final Clock clock;

    ClaimsVerifier(Set<String> clientIds, Clock clock) {
      super(clientIds, null, NEEDED, null);
      setMaxClockSkew((int) SKEW.toSeconds());
      this.clock = clock;
    }

    @Override
    public void verify(JWTClaimsSet claims, SecurityContext context) throws BadJWTException {
      super.verify(claims, context);
      if (!ISSUERS.contains(claims.getIssuer())) {
        throw new BadJWTException("another issuer");
      }
      if (claims.getIssueTime().toInstant().isAfter(clock.instant().plus(SKEW))) {
        throw new BadJWTException("issued in the future");
      }
      // In some of Google's tokens it is a string.
      if (!"true".equals(String.valueOf(claims.getClaim("email_verified")))) {
        throw new BadJWTException("the address is not verified");
      }
    }

    @Override
    protected Date currentTime() {
      return Date.from(clock.instant());
    }
  }
}
