/** The connection to Redis, which several servers share. */
package dev.llmproxy.redis;
