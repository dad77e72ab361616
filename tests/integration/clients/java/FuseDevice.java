import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.fusesource.mqtt.client.BlockingConnection;
import org.fusesource.mqtt.client.MQTT;
import org.fusesource.mqtt.client.MQTTException;
import org.fusesource.mqtt.client.Message;
import org.fusesource.mqtt.client.QoS;
import org.fusesource.mqtt.client.Topic;

/**
 * A device on JSSE and the MQTT client that Debian ships. The words it understands and writes are those of
 * ../python/device.py, and its arguments those of PahoDevice.
 */
public final class FuseDevice {
  private FuseDevice() {}

  public static void main(String[] arguments) throws Exception {
    MQTT mqtt = new MQTT();
    mqtt.setHost(arguments[0]);
    mqtt.setVersion("3.1.1");
    mqtt.setClientId("d:" + arguments[1]);
    mqtt.setConnectAttemptsMax(0);
    mqtt.setReconnectAttemptsMax(0);
    mqtt.setSslContext(tls(arguments));

    BlockingConnection connection = mqtt.blockingConnection();
    try {
      connection.connect();
    } catch (MQTTException refused) {
      tell("refused", String.valueOf(refused.connack.code().ordinal()), refused.getMessage());
      System.exit(0);
    }
    tell("connected");
    listen(connection);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      perform(connection, line.split("\t", -1));
    }
    System.exit(0);
  }

  private static SSLContext tls(String[] arguments) throws Exception {
    char[] password = arguments[6].toCharArray();
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(load(arguments[2], arguments[3], password), password);
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(load(arguments[4], arguments[5], password));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore load(String path, String type, char[] password) throws Exception {
    KeyStore store = KeyStore.getInstance(type);
    try (FileInputStream file = new FileInputStream(path)) {
      store.load(file, password);
    }
    return store;
  }

  private static void listen(BlockingConnection connection) {
    Thread listener = new Thread(() -> {
      try {
        while (true) {
          Message message = connection.receive();
          tell("message", message.getTopic(), Base64.getEncoder().encodeToString(message.getPayload()));
          message.ack();
        }
      } catch (Exception ended) {
        tell("lost");
      }
    });
    listener.setDaemon(true);
    listener.start();
  }

  private static void perform(BlockingConnection connection, String[] words) throws Exception {
    switch (words[0]) {
      case "subscribe" -> {
        QoS qos = QoS.values()[Integer.parseInt(words[2])];
        byte[] granted = connection.subscribe(new Topic[] {new Topic(words[1], qos)});
        tell("subscribed", words[1], String.valueOf(granted[0]));
      }
      case "publish" -> {
        QoS qos = QoS.values()[Integer.parseInt(words[2])];
        connection.publish(words[1], Base64.getDecoder().decode(words[3]), qos, false);
        tell("published", words[1]);
      }
      case "disconnect" -> {
        connection.disconnect();
        tell("disconnected");
      }
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static synchronized void tell(String... words) {
    System.out.println(String.join("\t", words));
  }
}
