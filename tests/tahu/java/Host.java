package tahu;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Date;
import java.util.List;
import org.eclipse.tahu.host.HostApplication;
import org.eclipse.tahu.host.api.MultiHostApplicationEventHandler;
import org.eclipse.tahu.message.SparkplugBPayloadDecoder;
import org.eclipse.tahu.message.model.DeviceDescriptor;
import org.eclipse.tahu.message.model.EdgeNodeDescriptor;
import org.eclipse.tahu.message.model.Message;
import org.eclipse.tahu.message.model.MessageType;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.Metric.MetricBuilder;
import org.eclipse.tahu.message.model.MetricDataType;
import org.eclipse.tahu.message.model.SparkplugBPayload;
import org.eclipse.tahu.message.model.SparkplugDescriptor;
import org.eclipse.tahu.message.model.SparkplugMeta;
import org.eclipse.tahu.message.model.Topic;
import org.eclipse.tahu.model.MqttServerDefinition;
import org.eclipse.tahu.mqtt.MqttClientId;
import org.eclipse.tahu.mqtt.MqttServerName;
import org.eclipse.tahu.mqtt.MqttServerUrl;
import org.eclipse.tahu.mqtt.RandomStartupDelay;

/**
 * A host that tells all it sees: Host PORT HOST_ID KEEPALIVE_S. On its input: "rebirth GROUP EDGE",
 * "quit".
 */
public final class Host implements MultiHostApplicationEventHandler {
    public static void main(String[] words) throws Exception {
        MqttServerDefinition server = new MqttServerDefinition(
            new MqttServerName("broker"), new MqttClientId(words[1], false),
            new MqttServerUrl("tcp://127.0.0.1:" + words[0]), null, null,
            Integer.parseInt(words[2]), null);
        HostApplication host = new HostApplication(
            new Host(), words[1], List.of("spBv1.0/#"), List.of(server),
            new RandomStartupDelay("0-1"), new SparkplugBPayloadDecoder(), true);
        host.start(true);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] said = line.split(" ");
            if (said[0].equals("rebirth")) {
                Metric wanted = new MetricBuilder(
                    SparkplugMeta.METRIC_NODE_REBIRTH, MetricDataType.Boolean, true).createMetric();
                EdgeNodeDescriptor edge = new EdgeNodeDescriptor(said[1], said[2]);
                host.publishCommand(
                    new Topic(SparkplugMeta.SPARKPLUG_B_TOPIC_PREFIX, edge, MessageType.NCMD),
                    new SparkplugBPayload(new Date(), List.of(wanted)));
            } else {
                break;
            }
        }
        host.shutdown();
        System.exit(0);
    }

    @Override
    public void onConnect(MqttServerName server) {
        Told.say("connected", null, null);
    }

    @Override
    public void onDisconnect(MqttServerName server) {
        Told.say("disconnected", null, null);
    }

    @Override
    public void onMessage(MqttServerName server, SparkplugDescriptor about, Message message) {}

    @Override
    public void onNodeBirthArrived(MqttServerName server, EdgeNodeDescriptor edge, Message message) {
        Told.say("NBIRTH", edge, null);
    }

    @Override
    public void onNodeBirthComplete(MqttServerName server, EdgeNodeDescriptor edge) {}

    @Override
    public void onNodeDataArrived(MqttServerName server, EdgeNodeDescriptor edge, Message message) {}

    @Override
    public void onNodeDataComplete(MqttServerName server, EdgeNodeDescriptor edge) {}

    @Override
    public void onNodeDeath(MqttServerName server, EdgeNodeDescriptor edge, Message message) {
        Told.say("NDEATH", edge, null);
    }

    @Override
    public void onNodeDeathComplete(MqttServerName server, EdgeNodeDescriptor edge) {}

    @Override
    public void onDeviceBirthArrived(MqttServerName server, DeviceDescriptor device, Message message) {
        Told.say("DBIRTH", device, null);
    }

    @Override
    public void onDeviceBirthComplete(MqttServerName server, DeviceDescriptor device) {}

    @Override
    public void onDeviceDataArrived(MqttServerName server, DeviceDescriptor device, Message message) {}

    @Override
    public void onDeviceDataComplete(MqttServerName server, DeviceDescriptor device) {}

    @Override
    public void onDeviceDeath(MqttServerName server, DeviceDescriptor device, Message message) {
        Told.say("DDEATH", device, null);
    }

    @Override
    public void onDeviceDeathComplete(MqttServerName server, DeviceDescriptor device) {}

    @Override
    public void onBirthMetric(MqttServerName server, SparkplugDescriptor about, Metric metric) {
        Told.say("birth", about, metric);
    }

    @Override
    public void onDataMetric(MqttServerName server, SparkplugDescriptor about, Metric metric) {
        Told.say("data", about, metric);
    }

    @Override
    public void onStale(MqttServerName server, SparkplugDescriptor about, Metric metric) {
        Told.say("stale", about, metric);
    }
}
