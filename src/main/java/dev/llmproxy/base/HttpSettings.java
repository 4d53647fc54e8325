package dev.llmproxy.base;

import java.time.Duration;
import java.util.OptionalInt;

/**
 * The HTTP server.
 *
 * @param port 0 for any free port
 * @param host the address to listen on
 * @param maxBodyBytes limit for a request body
 * @param maxUploadBytes limit for a form with files, which is not kept in memory
 * @param bodyMemoryBytes memory for the bodies of all requests; 0 for a third of the heap
 * @param maxJsonValues limit for the values in the JSON of a request
 * @param maxHeaderBytes limit for the request line, and for all headers
 * @param corsOrigins origins separated by commas; * for any, empty for none
 * @param keepAlive silence after which a stream gets a comment
 * @param clientHead time limit for a request line with its headers
 * @param clientIdle time limit between two requests of a connection
 * @param clientStall time limit for a body of which nothing arrives, or an answer that the client
 *     does not read
 * @param maxConnections 0 for as many as memory and open files allow
 * @param maxConnectionsPerAddress 0 for half of all; empty for no limit
 * @param eventLoops threads that read and write the clients' connections; 0 for one for every two
 *     cores
 * @param tls the server's own TLS
 * @param trustedProxies the reverse proxies that say from whom a request comes
 */
public record HttpSettings(
    int port,
    String host,
    long maxBodyBytes,
    long maxUploadBytes,
    long bodyMemoryBytes,
    int maxJsonValues,
    int maxHeaderBytes,
    String corsOrigins,
    Duration keepAlive,
    Duration clientHead,
    Duration clientIdle,
    Duration clientStall,
    int maxConnections,
    OptionalInt maxConnectionsPerAddress,
    int eventLoops,
    TlsSettings tls,
    Networks trustedProxies) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static HttpSettings of(Settings settings) {
    return settings.read(HttpSettings::read);
  }

  static HttpSettings read(SettingsReader in) {
    return new HttpSettings(
        in.number("PORT", 0, 65_535),
        in.text("HOST"),
        in.megabytes("MAX_BODY_MB", 1, 1024),
        in.megabytes("MAX_UPLOAD_MB", 1, 1 << 20),
        in.megabytes("BODY_MEMORY_MB", 0, 1 << 20),
        in.number("MAX_JSON_VALUES", 1000, Integer.MAX_VALUE),
        in.kilobytes("MAX_HEADER_KB", 1, 1024),
        in.optionalText("CORS_ORIGINS").orElse(""),
        in.seconds("STREAM_KEEPALIVE_SECONDS", 5, 3600),
        in.seconds("CLIENT_HEAD_SECONDS"),
        in.seconds("CLIENT_IDLE_SECONDS"),
        in.seconds("CLIENT_STALL_SECONDS"),
        in.number("MAX_CONNECTIONS", 0, 1_000_000),
        in.limit("MAX_CONNECTIONS_PER_ADDRESS", 0, 1_000_000),
        in.number("EVENT_LOOPS", 0, 1000),
        TlsSettings.read(in),
        in.networks("TRUSTED_PROXIES"));
  }
}
