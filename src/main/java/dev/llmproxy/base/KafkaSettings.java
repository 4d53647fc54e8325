package dev.llmproxy.base;

/**
 * The Kafka of the optional route {@code usage-kafka}, which reads these settings itself.
 *
 * @param brokers host:port, separated by commas; may be empty while the route is off
 * @param topic receives the settled requests
 * @param securityProtocol PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
 * @param saslMechanism e.g. SCRAM-SHA-512
 * @param saslJaasConfig user and password in Kafka's form; secret; empty without SASL
 */
public record KafkaSettings(
    String brokers,
    String topic,
    String securityProtocol,
    String saslMechanism,
    String saslJaasConfig) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static KafkaSettings of(Settings settings) {
    return settings.read(KafkaSettings::read);
  }

  static KafkaSettings read(SettingsReader in) {
    return new KafkaSettings(
        in.optionalText("KAFKA_BROKERS").orElse(""),
        in.text("KAFKA_TOPIC"),
        in.word("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        in.text("KAFKA_SASL_MECHANISM"),
        in.optionalText("KAFKA_SASL_JAAS_CONFIG").orElse(""));
  }
}
