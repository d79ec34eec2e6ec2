package tahu;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.tahu.message.model.DataSet;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.SparkplugDescriptor;

/** What a program tells the test: one JSON object a line. */
final class Told {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Told() {}

    static void say(String what, SparkplugDescriptor about, Metric metric) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("what", what);
        if (about != null) {
            line.put("about", about.getDescriptorString());
        }
        if (metric != null) {
            line.put("name", metric.getName());
            line.put("alias", metric.hasAlias() ? metric.getAlias() : null);
            line.put("type", metric.getDataType() == null ? null : metric.getDataType().toString());
            line.put("value", plain(metric.getValue()));
            line.put("time", metric.getTimestamp() == null ? null : metric.getTimestamp().getTime());
            line.put("historical", Boolean.TRUE.equals(metric.isHistorical()));
            Map<String, Object> properties = new LinkedHashMap<>();
            if (metric.getProperties() != null) {
                metric.getProperties().getPropertyMap()
                    .forEach((key, value) -> properties.put(key, plain(value.getValue())));
            }
            line.put("properties", properties);
        }
        write(line);
    }

    static synchronized void write(Object line) {
        try {
            System.out.println(MAPPER.writeValueAsString(line));
            System.out.flush();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static Object plain(Object value) {
        if (value instanceof Date) {
            return ((Date) value).getTime();
        }
        if (value != null && value.getClass().isArray()) {
            List<Object> listed = new ArrayList<>();
            for (int index = 0; index < Array.getLength(value); index++) {
                listed.add(plain(Array.get(value, index)));
            }
            return listed;
        }
        if (value instanceof DataSet) {
            return ((DataSet) value).getRowsAsLists();
        }
        boolean isPlain = value == null || value instanceof Number || value instanceof Boolean
            || value instanceof String;
        return isPlain ? value : value.toString();
    }
}
