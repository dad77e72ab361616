import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.Properties;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallbackExtended;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.internal.security.SSLSocketFactoryFactory;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * A device on Eclipse Paho, set up as device developers are told to: key store and trust store, "d:" before the client
 * id, MqttCallbackExtended. The words it understands and writes are those of ../python/device.py.
 *
 * Arguments: URL, common name, key store, its type, trust store, its type, password of both.
 */
public final class PahoDevice implements MqttCallbackExtended {
  private final MqttClient client;

  private PahoDevice(String url, String commonName) throws MqttException {
    client = new MqttClient(url, "d:" + commonName, new MemoryPersistence());
    client.setCallback(this);
  }

  public static void main(String[] arguments) throws Exception {
    Properties tls = new Properties();
    tls.put(SSLSocketFactoryFactory.KEYSTORE, arguments[2]);
    tls.put(SSLSocketFactoryFactory.KEYSTORETYPE, arguments[3]);
    tls.put(SSLSocketFactoryFactory.KEYSTOREPWD, arguments[6]);
    tls.put(SSLSocketFactoryFactory.TRUSTSTORE, arguments[4]);
    tls.put(SSLSocketFactoryFactory.TRUSTSTORETYPE, arguments[5]);
    tls.put(SSLSocketFactoryFactory.TRUSTSTOREPWD, arguments[6]);
    tls.put(SSLSocketFactoryFactory.CLIENTAUTH, "true");
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSSLProperties(tls);

    PahoDevice device = new PahoDevice(arguments[0], arguments[1]);
    try {
      device.client.connect(options);
    } catch (MqttException refused) {
      tell("refused", String.valueOf(refused.getReasonCode()), refused.toString());
      System.exit(0);
    }
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      device.perform(line.split("\t", -1));
    }
    System.exit(0);
  }

  private void perform(String[] words) throws MqttException {
    switch (words[0]) {
      case "subscribe" -> {
        int[] granted = client.subscribeWithResponse(words[1], Integer.parseInt(words[2])).getGrantedQos();
        tell("subscribed", words[1], String.valueOf(granted[0]));
      }
      case "publish" -> {
        client.publish(words[1], Base64.getDecoder().decode(words[3]), Integer.parseInt(words[2]), false);
        tell("published", words[1]);
      }
      case "disconnect" -> {
        client.disconnect();
        tell("disconnected");
      }
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static synchronized void tell(String... words) {
    System.out.println(String.join("\t", words));
  }

  @Override
  public void connectComplete(boolean reconnect, String serverUri) {
    tell("connected");
  }

  @Override
  public void connectionLost(Throwable cause) {
    tell("lost");
  }

  @Override
  public void messageArrived(String topic, MqttMessage message) {
    tell("message", topic, Base64.getEncoder().encodeToString(message.getPayload()));
  }

  @Override
  public void deliveryComplete(IMqttDeliveryToken token) {}
}
