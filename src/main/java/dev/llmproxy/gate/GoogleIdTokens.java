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
import dev.llmproxy.call.Person;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.Date;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks Google's ID tokens as <a
 * href="https://developers.google.com/identity/gsi/web/guides/verify-google-id-token">Google asks
 * for</a>. Its keys are read when the first token comes, again within the hour, and for a key id
 * that is not among them; while they cannot be read, those known count for a day.
 */
public final class GoogleIdTokens {
  /** The setting that switches the sign-in on: client ids, separated by commas. */
  public static final String CLIENT_ID = "GOOGLE_CLIENT_ID";

  /** The setting that says where the keys are. */
  public static final String KEYS_URL = "GOOGLE_KEYS_URL";

  private static final Logger LOG = LoggerFactory.getLogger(GoogleIdTokens.class);
  private static final Set<String> ISSUERS =
      Set.of("accounts.google.com", "https://accounts.google.com");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final Duration SKEW = Duration.ofSeconds(60);
  private static final Duration HTTP_TIMEOUT = Duration.ofSeconds(3);
  // For the keys that another request is reading.
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final int MOST_KEY_BYTES = 100_000;
  private static final JWKSelector ANY_KEY = new JWKSelector(new JWKMatcher.Builder().build());

  private final Set<String> clientIds;
  private final JWKSource<SecurityContext> keys;
  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
  private final Pace pace;

  /**
   * How often keys are read.
   *
   * @param fresh so long they are taken for the current ones
   * @param outage so long they count while they cannot be read again
   * @param pause within it they are read twice at most, whatever tokens come
   */
  record Pace(Duration fresh, Duration outage, Duration pause) {
    private static final Pace USUAL =
        new Pace(Duration.ofHours(1), Duration.ofDays(1), Duration.ofSeconds(10));
  }

  /**
   * @throws Settings.SettingException when the address of the keys is none, or one that others can
   *     listen in on and change
   */
  public GoogleIdTokens(Settings settings, Clock clock) {
    this(settings, clock, Pace.USUAL);
  }

  GoogleIdTokens(Settings settings, Clock clock, Pace pace) {
    this.pace = pace;
    clientIds =
        Arrays.stream(settings.find(CLIENT_ID).orElse("").split(",", -1))
            .map(String::strip)
            .filter(id -> !id.isEmpty())
            .collect(Collectors.toUnmodifiableSet());
    keys = keys(keysUrl(settings.text(KEYS_URL)), pace);
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, keys));
    processor.setJWTClaimsSetVerifier(new ClaimsVerifier(clientIds, clock));
  }

  /** Whether this server is set up for it. */
  public boolean accepted() {
    return !clientIds.isEmpty();
  }

  /**
   * Whose token this is.
   *
   * @return empty when it is not one of Google's for this server, or not valid now
   * @throws ApiException 503 when there are no keys to check it with
   */
  Optional<Person> verify(String token) {
    try {
      SignedJWT signed = SignedJWT.parse(token);
      demandKeys();
      JWTClaimsSet claims = processor.process(signed, null);
      return Optional.of(new Person(claims.getStringClaim("email"), claims.getStringClaim("hd")));
    } catch (ParseException | BadJOSEException | JOSEException e) {
      // By its kind: the message may repeat what the client has sent.
      LOG.debug("An ID token is refused: {}", reason(e));
      return Optional.empty();
    }
  }

  /** A key that is not found means a wrong token, once there are keys at all. */
  private void demandKeys() {
    try {
      keys.get(ANY_KEY, null);
    } catch (KeySourceException e) {
      if (!(e instanceof RateLimitReachedException)) {
        LOG.warn("Nobody can sign in, because Google's keys cannot be read: {}", e.getMessage());
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
      // The message below serves all cases.
    }
    throw new Settings.SettingException(
        "%s is \"%s\"; it must be an https address, or an http one on this machine"
            .formatted(KEYS_URL, text));
  }

  /** Audience, expiry and beginning are checked by the library, the rest here. */
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
      // Some of Google's tokens have it as a text.
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
