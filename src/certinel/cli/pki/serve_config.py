"""``certinel pki serve-config``: settings to paste into what connects to the platform."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from certinel.cli.pki.files import KEY_SUFFIX, file_name_of


class Client(StrEnum):
    """What can be told to connect."""

    MOSQUITTO = "mosquitto"
    BRIDGE = "mosquitto-bridge"
    THIN_EDGE = "thin-edge"
    PAHO_JAVA = "paho-java"
    MQTT_JS = "mqtt.js"
    MQTT_FX = "mqtt.fx"


TEMPLATES = {
    Client.MOSQUITTO: """\
# one session a device: the second ends the first, so run these one after the other
# a measurement, acknowledged when it is stored
mosquitto_pub -h $host -p $port -i $client_id -q 1 \\
  --cafile $ca --cert $chain --key $key \\
  -t s/us -m '211,21.5'
# a token for REST: 71,TOKEN
mosquitto_rr -V mqttv311 -h $host -p $port -i $client_id -q 1 -W 10 \\
  --cafile $ca --cert $chain --key $key \\
  -t s/uat -n -e s/dat
# whatever comes, until Ctrl-C: operations on s/ds, errors on s/e
mosquitto_sub -h $host -p $port -i $client_id -q 1 -v \\
  --cafile $ca --cert $chain --key $key \\
  -t s/ds -t s/e
""",
    Client.BRIDGE: """\
# /etc/mosquitto/conf.d/certinel.conf: local clients publish on s/us and s/uat, and listen on s/ds, s/e and s/dat
connection certinel
address $host:$port
remote_clientid $client_id
bridge_cafile $ca
bridge_certfile $chain
bridge_keyfile $key
bridge_protocol_version mqttv311
# the platform keeps no retained messages and takes no notifications of bridges
try_private false
notifications false
bridge_attempt_unsubscribe false
cleansession true
keepalive_interval 60
start_type automatic
topic s/us out 1 "" ""
topic s/uat out 0 "" ""
topic s/ds in 1 "" ""
topic s/e in 0 "" ""
topic s/dat in 0 "" ""
""",
    Client.THIN_EDGE: """\
# the user tedge must be able to read these files
sudo tedge config set c8y.url $host
sudo tedge config set c8y.mqtt $host:$port
sudo tedge config set c8y.http $host:$https_port
sudo tedge config set c8y.device.cert_path $chain
sudo tedge config set c8y.device.key_path $key
sudo tedge config set c8y.root_cert_path $ca
sudo tedge connect c8y
""",
    Client.PAHO_JAVA: """\
// stores: certinel pki keystore $shell_chain  and  certinel pki truststore $shell_ca --out $shell_truststore
// import java.util.Properties; import org.eclipse.paho.client.mqttv3.*;
// import org.eclipse.paho.client.mqttv3.internal.security.SSLSocketFactoryFactory;
// import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
Properties ssl = new Properties();
ssl.put(SSLSocketFactoryFactory.KEYSTORE, $keystore);
ssl.put(SSLSocketFactoryFactory.KEYSTOREPWD, System.getenv("KEYSTORE_PASSWORD"));
ssl.put(SSLSocketFactoryFactory.KEYSTORETYPE, "PKCS12");
ssl.put(SSLSocketFactoryFactory.TRUSTSTORE, $truststore);
ssl.put(SSLSocketFactoryFactory.TRUSTSTOREPWD, System.getenv("TRUSTSTORE_PASSWORD"));
ssl.put(SSLSocketFactoryFactory.TRUSTSTORETYPE, "PKCS12");
MqttConnectOptions options = new MqttConnectOptions();
options.setSSLProperties(ssl);
options.setAutomaticReconnect(true);
MqttClient client = new MqttClient("ssl://$host:$port", $client_id, new MemoryPersistence());
client.connect(options);
""",
    Client.MQTT_JS: """\
const fs = require("fs");
const mqtt = require("mqtt");
const client = mqtt.connect("mqtts://$host:$port", {
  clientId: $client_id,
  ca: fs.readFileSync($ca),
  cert: fs.readFileSync($chain),
  key: fs.readFileSync($key),
});
""",
    Client.MQTT_FX: """\
Broker address             $host
Broker port                $port
Client ID                  $device
User name, password        leave empty
Enable SSL/TLS             yes, TLSv1.2 or TLSv1.3

either: Self signed certificates
  CA file                  $ca
  Client certificate file  $chain
  Client key file          $key
  Client key password      of the key; empty when it is not encrypted
  PEM formatted            yes

or: Self signed certificates in keystores
  (certinel pki keystore $shell_chain, certinel pki truststore $shell_ca --out $shell_truststore)
  Keystore file            $truststore
  Trusted keystore alias   servercertificate
  Trusted keystore password  of the trust store
  Client keystore          $keystore
  Client keystore password of the key store
  Client keypair alias     devicekeyentry
  Client keypair password  of the key store, too
  PEM formatted            yes
""",
}


def _for_shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _for_program(text: str) -> str:
    """Write a text as Java and JavaScript have it."""
    return json.dumps(text)


QUOTED: Mapping[Client, Callable[[str], str]] = {
    Client.MOSQUITTO: _for_shell,
    Client.THIN_EDGE: _for_shell,
    Client.PAHO_JAVA: _for_program,
    Client.MQTT_JS: _for_program,
}
"""How a name or a path stands in what is pasted; where it is not said, as it is."""


def serve_config(  # noqa: PLR0917 - typer calls it by name
    client: Annotated[Client, typer.Argument(help="What is to connect.")],
    device: Annotated[str, typer.Argument(help="Common name in the device certificate.")],
    host: Annotated[str, typer.Option(help="Where the platform is.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its MQTT port.")] = 8883,
    https_port: Annotated[int, typer.Option(min=1, max=65535, help="Its HTTPS port; thin-edge.io uses both.")] = 8443,
    chain: Annotated[Path | None, typer.Option(help="The device's chain; by default NAME.pem.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key; by default beside the chain, ending .key.")] = None,
    server_ca: Annotated[Path, typer.Option(help="Who has signed the platform's own certificate.")] = Path(
        "server-ca.pem"
    ),
) -> None:
    """Print settings for a client, to be pasted. Files are named with their whole path; none is read or written."""
    file = (chain or Path(f"{file_name_of(device)}.pem")).absolute()
    texts = {
        "device": device,
        "client_id": f"d:{device}",
        "chain": str(file),
        "key": str((key or file.with_suffix(KEY_SUFFIX)).absolute()),
        "keystore": str(file.with_suffix(".p12")),
        "truststore": str(file.with_name("truststore.p12")),
        "ca": str(server_ca.absolute()),
    }
    quoted = QUOTED.get(client, str)
    values = {name: quoted(text) for name, text in texts.items()}
    values |= {f"shell_{name}": _for_shell(text) for name, text in texts.items()}
    values |= {"host": host, "port": str(port), "https_port": str(https_port)}
    typer.echo(Template(TEMPLATES[client]).substitute(values), nl=False)
