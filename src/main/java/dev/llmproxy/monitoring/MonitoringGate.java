package dev.llmproxy.monitoring;

import dev.llmproxy.base.MonitoringSettings;
import dev.llmproxy.base.Networks;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Person;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.gate.AllowedUsers;
import dev.llmproxy.http.Reply;
import org.apache.camel.ExchangeProperty;

/** Decides who may read metrics and the details of the server's health. */
public final class MonitoringGate {
  private final Networks networks;
  private final boolean ownPort;
  private final AllowedUsers admins;

  /**
   * @param admins the administrators
   */
  public MonitoringGate(MonitoringSettings settings, AllowedUsers admins) {
    networks = settings.metricsFrom();
    ownPort = settings.managementPort().isPresent();
    this.admins = admins;
  }

  /**
   * Lets requests from this machine and from the networks of METRICS_FROM pass. A request that a
   * proxy has passed on comes from somewhere else.
   *
   * @throws dev.llmproxy.error.ApiException 403 for other requests
   */
  public void demandNetwork(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!isNear(context.reply())) {
      throw OpenAiErrors.metricsNotAllowed().asException();
    }
  }

  /**
   * Whether a request may see the details of the server's health: on the management port if it
   * comes from a network that may read metrics; on the API's port, if it serves both, with the key
   * of an administrator.
   */
  boolean isOperator(RequestContext context) {
    Caller caller = context.caller();
    return ownPort
        ? context.reply().onManagementPort() && isNear(context.reply())
        : caller != null && admins.allow(new Person(caller.email(), null));
  }

  private boolean isNear(Reply reply) {
    String address = reply.address();
    return !reply.passedOn() && (Networks.isLoopback(address) || networks.contains(address));
  }
}
