package tahu;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.tahu.edge.EdgeClient;
import org.eclipse.tahu.edge.api.MetricHandler;
import org.eclipse.tahu.message.SparkplugBPayloadDecoder;
import org.eclipse.tahu.message.SparkplugBPayloadEncoder;
import org.eclipse.tahu.message.model.DataSet;
import org.eclipse.tahu.message.model.DataSet.DataSetBuilder;
import org.eclipse.tahu.message.model.DataSetDataType;
import org.eclipse.tahu.message.model.DeviceDescriptor;
import org.eclipse.tahu.message.model.EdgeNodeDescriptor;
import org.eclipse.tahu.message.model.MessageType;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.Metric.MetricBuilder;
import org.eclipse.tahu.message.model.MetricDataType;
import org.eclipse.tahu.message.model.PropertyDataType;
import org.eclipse.tahu.message.model.PropertySet;
import org.eclipse.tahu.message.model.PropertyValue;
import org.eclipse.tahu.message.model.Row;
import org.eclipse.tahu.message.model.SparkplugBPayload;
import org.eclipse.tahu.message.model.SparkplugBPayloadMap;
import org.eclipse.tahu.message.model.SparkplugBPayloadMap.SparkplugBPayloadMapBuilder;
import org.eclipse.tahu.message.model.SparkplugDescriptor;
import org.eclipse.tahu.message.model.SparkplugMeta;
import org.eclipse.tahu.message.model.Template;
import org.eclipse.tahu.message.model.Topic;
import org.eclipse.tahu.message.model.Value;
import org.eclipse.tahu.model.MqttServerDefinition;
import org.eclipse.tahu.mqtt.ClientCallback;
import org.eclipse.tahu.mqtt.MqttClientId;
import org.eclipse.tahu.mqtt.MqttServerName;
import org.eclipse.tahu.mqtt.MqttServerUrl;
import org.eclipse.tahu.mqtt.RandomStartupDelay;

/**
 * An edge node with one device of every datatype: Edge PORT GROUP EDGE DEVICE. On its input: "data
 * NUMBER" (a float and a negative integer, by alias), "history NUMBER TIME", "death", "birth",
 * "quit".
 */
public final class Edge implements MetricHandler, ClientCallback {
    private final EdgeNodeDescriptor node;
    private final DeviceDescriptor device;
    private EdgeClient client;
    private long bdSeq = 0;

    private Edge(String group, String edge, String device) {
        this.node = new EdgeNodeDescriptor(group, edge);
        this.device = new DeviceDescriptor(node, device);
    }

    public static void main(String[] words) throws Exception {
        Edge edge = new Edge(words[1], words[2], words[3]);
        MqttServerDefinition server = new MqttServerDefinition(
            new MqttServerName("broker"), new MqttClientId(words[2], false),
            new MqttServerUrl("tcp://127.0.0.1:" + words[0]), null, null, 30, edge.getDeathTopic());
        edge.client = new EdgeClient(
            edge, edge.node, List.of(words[3]), null, true, 100L, List.of(server), edge,
            new RandomStartupDelay("0-1"));
        Thread thread = new Thread(edge.client);
        thread.setDaemon(true);
        thread.start();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (!edge.obey(line.split(" "))) {
                break;
            }
            Told.say(line, null, null);
        }
        edge.client.shutdown();
        System.exit(0);
    }

    private boolean obey(String[] said) throws Exception {
        String name = device.getDeviceId();
        switch (said[0]) {
            case "data":
                client.publishDeviceData(name, data(Integer.parseInt(said[1]), new Date(), false));
                return true;
            case "history":
                client.publishDeviceData(
                    name, data(Integer.parseInt(said[1]), new Date(Long.parseLong(said[2])), true));
                return true;
            case "death":
                client.publishDeviceDeath(name);
                return true;
            case "birth":
                client.publishDeviceBirth(name, deviceBirth());
                return true;
            default:
                return false;
        }
    }

    private SparkplugBPayload data(int number, Date time, boolean historical) throws Exception {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(new MetricBuilder("Zone 1/Temperature", MetricDataType.Float, (float) number)
            .timestamp(time).isHistorical(historical).createMetric());
        metrics.add(new MetricBuilder("int32", MetricDataType.Int32, -number)
            .timestamp(time).isHistorical(historical).createMetric());
        return new SparkplugBPayload(new Date(), metrics);
    }

    @Override
    public Topic getDeathTopic() {
        return new Topic(SparkplugMeta.SPARKPLUG_B_TOPIC_PREFIX, node, MessageType.NDEATH);
    }

    @Override
    public byte[] getDeathPayloadBytes() throws Exception {
        Metric metric = new MetricBuilder("bdSeq", MetricDataType.Int64, bdSeq).createMetric();
        SparkplugBPayload payload = new SparkplugBPayload(new Date(), List.of(metric));
        return new SparkplugBPayloadEncoder().getBytes(payload, true);
    }

    @Override
    public boolean hasMetric(SparkplugDescriptor about, String name) {
        return false;
    }

    @Override
    public void publishBirthSequence() {
        try {
            SparkplugBPayloadMap payload = new SparkplugBPayloadMapBuilder()
                .setTimestamp(new Date())
                .addMetric(new MetricBuilder("bdSeq", MetricDataType.Int64, bdSeq).createMetric())
                .addMetric(new MetricBuilder(
                    SparkplugMeta.METRIC_NODE_REBIRTH, MetricDataType.Boolean, false).createMetric())
                .addMetric(new MetricBuilder("load", MetricDataType.Double, 0.5).createMetric())
                .createPayload();
            client.publishNodeBirth(payload);
            client.publishDeviceBirth(device.getDeviceId(), deviceBirth());
            Told.say("born", null, null);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private SparkplugBPayload deviceBirth() throws Exception {
        SparkplugBPayload payload = new SparkplugBPayload(new Date(), new ArrayList<>());
        Object[][] values = {
            {"int8", MetricDataType.Int8, Byte.MIN_VALUE},
            {"int16", MetricDataType.Int16, Short.MIN_VALUE},
            {"int32", MetricDataType.Int32, Integer.MIN_VALUE},
            {"int64", MetricDataType.Int64, Long.MIN_VALUE},
            {"uint8", MetricDataType.UInt8, (short) 255},
            {"uint16", MetricDataType.UInt16, 65_535},
            {"uint32", MetricDataType.UInt32, 4_294_967_295L},
            {"uint64", MetricDataType.UInt64, BigInteger.valueOf(Long.MAX_VALUE)},
            {"Zone 1/Temperature", MetricDataType.Float, -1.5f},
            {"double", MetricDataType.Double, -2.25},
            {"boolean", MetricDataType.Boolean, true},
            {"string", MetricDataType.String, "Motorhaube \u00e4\u00f6"},
            {"text", MetricDataType.Text, "text"},
            {"uuid", MetricDataType.UUID, "00000000-0000-0001-0000-000000000002"},
            {"datetime", MetricDataType.DateTime, new Date(1_700_000_000_123L)},
            {"bytes", MetricDataType.Bytes, new byte[] {1, 2, 3}},
            {"null", MetricDataType.Double, null},
            {"int8s", MetricDataType.Int8Array, new Byte[] {-1, 0, 1}},
            {"int32s", MetricDataType.Int32Array, new Integer[] {-1, 0, 1}},
            {"int64s", MetricDataType.Int64Array, new Long[] {-1L, 0L, 1L}},
            {"floats", MetricDataType.FloatArray, new Float[] {-1.5f, 0.5f}},
            {"doubles", MetricDataType.DoubleArray, new Double[] {-1.5, 0.25}},
            {"booleans", MetricDataType.BooleanArray,
                new Boolean[] {true, false, true, true, false, false, false, false, true}},
            {"strings", MetricDataType.StringArray, new String[] {"a", "b"}},
        };
        for (Object[] one : values) {
            payload.addMetric(new MetricBuilder(
                (String) one[0], (MetricDataType) one[1], one[2]).createMetric());
        }
        PropertySet properties = new PropertySet();
        properties.setProperty("engUnit", new PropertyValue<>(PropertyDataType.String, "mm"));
        properties.setProperty("Quality", new PropertyValue<>(PropertyDataType.Int32, 500));
        payload.addMetric(new MetricBuilder("stale", MetricDataType.Double, 7.0)
            .properties(properties).createMetric());
        DataSet table = new DataSetBuilder(2).addColumnName("n").addColumnName("x")
            .addType(DataSetDataType.Int32).addType(DataSetDataType.Double)
            .addRow(new Row(List.of(
                new Value<>(DataSetDataType.Int32, -1), new Value<>(DataSetDataType.Double, 0.5))))
            .createDataSet();
        payload.addMetric(new MetricBuilder("table", MetricDataType.DataSet, table).createMetric());
        Template instance = new Template("1", "Motor", false, List.of(
            new MetricBuilder("speed", MetricDataType.Int32, -3).createMetric()), List.of());
        payload.addMetric(new MetricBuilder("motor", MetricDataType.Template, instance).createMetric());
        return payload;
    }

    @Override
    public void shutdown() {}

    @Override
    public void messageArrived(
            MqttServerName name, MqttServerUrl url, MqttClientId id, String topic, MqttMessage message) {
        try {
            if (topic.startsWith(SparkplugMeta.SPARKPLUG_TOPIC_HOST_STATE_PREFIX)) {
                return;
            }
            Topic parsed = Topic.parseTopic(topic);
            if (!parsed.isType(MessageType.NCMD)) {
                return;
            }
            SparkplugBPayload payload =
                new SparkplugBPayloadDecoder().buildFromByteArray(message.getPayload(), null);
            for (Metric metric : payload.getMetrics()) {
                Told.say("command", node, metric);
                if (SparkplugMeta.METRIC_NODE_REBIRTH.equals(metric.getName())) {
                    client.handleRebirthRequest(true);
                }
            }
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void connectionLost(
            MqttServerName name, MqttServerUrl url, MqttClientId id, Throwable cause) {
        Told.say("lost", null, null);
    }

    @Override
    public void connectComplete(
            boolean again, MqttServerName name, MqttServerUrl url, MqttClientId id) {
        Told.say("connected", null, null);
    }
}
