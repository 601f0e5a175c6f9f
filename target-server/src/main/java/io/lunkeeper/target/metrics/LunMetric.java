package io.lunkeeper.target.metrics;

import io.lunkeeper.target.metrics.LunStatus.Figures;
import io.lunkeeper.target.metrics.LunStatus.State;
import io.prometheus.metrics.config.PrometheusProperties;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.Unit;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// What Prometheus is told of each LUN, a row for each metric. As its naming rules have it, the
/// name says the unit, and `_total` that it is a counter.
enum LunMetric {
    FAILED(
            "lunkeeper_lun_failed",
            "Whether the LUN has failed (1) and answers every command with an error.",
            lun -> OptionalDouble.of(lun.state() instanceof State.Failed ? 1 : 0)),
    RESERVATIONS_LOST(
            "lunkeeper_lun_reservations_lost",
            "Whether it is lost who has reserved the LUN (1), so that nobody reads or writes it"
                    + " until an initiator replaces that.",
            lun -> OptionalDouble.of(lun.state() instanceof State.ReservationsLost ? 1 : 0)),
    PREPARED(
            "lunkeeper_lun_prepared_ratio",
            "How much of the image is ready, 0 to 1; below 1 it is opened, or being filled because"
                    + " it is new or grows.",
            lun -> OptionalDouble.of(preparedRatio(lun.state()))),
    SIZE("lunkeeper_lun_size_bytes", "Capacity that initiators see.", figure(Figures::sizeBytes)),
    ALLOCATED(
            "lunkeeper_lun_allocated_bytes",
            "Space that the image takes of its file system.",
            figure(Figures::allocatedBytes)),
    AVAILABLE(
            "lunkeeper_lun_available_bytes",
            "Space that the file system of the image has left, for all its files.",
            figure(Figures::availableBytes)),
    UNWRITTEN(
            "lunkeeper_lun_unwritten_bytes",
            "Written data that is not known to have reached the disk.",
            figure(Figures::unwrittenBytes)),
    MOVED(
            "lunkeeper_lun_moved_bytes_total",
            "Bytes of the image that were found elsewhere on the device than before.",
            figure(Figures::movedBytes)),
    SHARED(
            "lunkeeper_lun_shared_bytes_total",
            "Bytes of the image that were found to be shared with other files.",
            figure(Figures::sharedBytes)),
    FOREIGN(
            "lunkeeper_lun_foreign_bytes_total",
            "Bytes of the image that were found to be written by other programs.",
            figure(Figures::foreignBytes)),
    OPENS_BY_OTHERS(
            "lunkeeper_lun_opens_by_others_total",
            "How often another program was noticed opening the image, let in or refused.",
            figure(Figures::opensByOthers)),
    FLUSH_REQUESTS(
            "lunkeeper_lun_flush_requests_total",
            "Flushes that were answered: SYNCHRONIZE CACHE, FUA and write-through.",
            figure(Figures::flushRequests)),
    SYNCS(
            "lunkeeper_lun_syncs_total",
            "Synchronizations of the image (fdatasync), each for all who had asked by then.",
            figure(Figures::syncs)),
    READ_COMMANDS(
            "lunkeeper_lun_read_commands_total",
            "READ commands that were carried out.",
            figure(Figures::readCommands)),
    READ(
            "lunkeeper_lun_read_bytes_total",
            "Bytes that went to initiators by READ commands.",
            figure(Figures::readBytes)),
    WRITE_COMMANDS(
            "lunkeeper_lun_write_commands_total",
            "WRITE, WRITE AND VERIFY and ORWRITE commands that were carried out.",
            figure(Figures::writeCommands)),
    WRITTEN(
            "lunkeeper_lun_written_bytes_total",
            "Bytes that came from initiators by WRITE, WRITE AND VERIFY and ORWRITE commands.",
            figure(Figures::writtenBytes));

    private static final String[] LABELS = {"target", "lun"};

    private final String metric;
    private final String help;
    private final Function<LunStatus, OptionalDouble> value;

    LunMetric(String metric, String help, Function<LunStatus, OptionalDouble> value) {
        this.metric = metric;
        this.help = help;
        this.value = value;
    }

    private static Function<LunStatus, OptionalDouble> figure(ToDoubleFunction<Figures> which) {
        return lun ->
                lun.figures()
                        .map(figures -> OptionalDouble.of(which.applyAsDouble(figures)))
                        .orElse(OptionalDouble.empty());
    }

    private static double preparedRatio(State state) {
        return switch (state) {
            case State.Preparing(OptionalDouble filled) -> filled.orElse(0);
            case State.Growing(OptionalDouble filled) -> filled.orElse(1);
            case State.Served(), State.ReservationsLost(), State.Leaving(), State.Failed(_) -> 1;
        };
    }

    /// Its name.
    String metric() {
        return metric;
    }

    /// Reads this metric of all LUNs whenever it is collected.
    Collector collector(PrometheusProperties properties, Supplier<List<LunStatus>> luns) {
        return metric.endsWith("_total")
                ? CounterWithCallback.builder(properties)
                        .name(metric)
                        .help(help)
                        .unit(unit())
                        .labelNames(LABELS)
                        .callback(each -> read(luns.get(), each::call))
                        .build()
                : GaugeWithCallback.builder(properties)
                        .name(metric)
                        .help(help)
                        .unit(unit())
                        .labelNames(LABELS)
                        .callback(each -> read(luns.get(), each::call))
                        .build();
    }

    private void read(List<LunStatus> luns, BiConsumer<Double, String[]> reading) {
        for (LunStatus lun : luns) {
            String[] labels = {lun.target(), Integer.toString(lun.lun())};
            value.apply(lun).ifPresent(now -> reading.accept(now, labels));
        }
    }

    private @Nullable Unit unit() {
        if (metric.contains("_bytes")) {
            return Unit.BYTES;
        }
        return metric.endsWith("_ratio") ? Unit.RATIO : null;
    }
}
