// SPDX-License-Identifier: Apache-2.0
#include "pipeline/merge.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <set>
#include <tuple>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/stop.h"
#include "base/work_span.h"
#include "geo/stac_item.h"
#include "pipeline/products.h"
#include "pipeline/region_year.h"
#include "pipeline/result_key.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

constexpr int kBandsPerFile =
    12;  // GDAL 3.6 interleaves a COG's bands by pixel: many bands make one band slow to read

std::string hex(uint64_t a, uint64_t b) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return text;
}

/// One GeoTIFF while it is filled, with the picture that its style and quicklook come from.
struct OpenCog {
  std::string name, caption_unit, title, subtitle;
  bool diverging = false, picture = false;
  std::unique_ptr<CogWriter> writer;
  std::unique_ptr<QuicklookWriter> look;
  int band = 0;       // of the current year or month, 1-based; 0: not of this year
  int look_band = 0;  // the band that is shown
  StacAsset asset;
};

/// All products of one region while the strips pass.
class RegionProducts {
 public:
  RegionProducts(const RunStages& stages, const Ledger& ledger, const Config& config, size_t region,
                 const std::string& result, const std::vector<Layer>& layers,
                 const std::vector<Zone>& zones, const Transform& to_zones, Merged& merged)
      : stages_(stages),
        ledger_(ledger),
        config_(config),
        plan_(*stages.plan),
        region_(region),
        name_(plan_.regions[region].name),
        result_(result),
        layers_(layers),
        zones_(zones),
        to_zones_(to_zones),
        merged_(merged),
        areas_(plan_.lattice, plan_.regions[region].window),
        outlines_(rings_on_lattice(stages.regions.regions.at(region),
                                   stages.shapes.at(region).to_region,
                                   16 * plan_.lattice.resolution)) {
    grid_ = {plan_.lattice, plan_.regions[region].window};
    stem_ = config.name + "_" + plan_.regions[region].file_name;
    for (size_t step = 0; step < plan_.steps.size(); ++step) {
      if (!plan_.steps[step].spinup) steps_.push_back(step);
    }
    merged_.flag_counts[name_].assign(16, 0);
    merged_.cell_months[name_] = 0;
    compares_gpp_ = wants_gpp_comparison(config, plan_, stages.packages, region);
    tags_ = {{"TITLE", config.name + " " + name_},
             {"FLUXTILE_RESULT", result_},
             {"FLUXTILE_VERSION", FLUXTILE_VERSION},
             {"MODEL", model_text()}};
    if (plan_.synthetic_model) tags_.emplace_back("WARNING", "model trained on synthetic data");
  }

  void write(Progress& progress) {
    open_netcdf();
    for (const size_t step : steps_) {
      progress.note("merging " + name_ + " " + std::to_string(plan_.steps[step].year));
      open_year(step);
      pass_strips(step);
      close_year(step);
      progress.advance(0);
    }
    if (compares_gpp_) {
      for (size_t month = 0; month < 12; ++month)
        merged_.gpp_months[name_][month] = gpp_area_days_[month] > 0
                                               ? gpp_mass_[month] / gpp_area_days_[month]
                                               : std::numeric_limits<double>::quiet_NaN();
    }
    finish_summary();
    write_stac();
  }

 private:
  struct OpenNetcdf {
    std::string name;
    std::unique_ptr<CfWriter> writer;
    std::vector<size_t> layers;  // index into layers_
    int64_t first_step = 0;      // file step of the current year's first step
    int64_t steps = 0;
  };

  [[nodiscard]] std::string model_text() const {
    std::set<std::string> names;
    for (const auto& member : plan_.regions[region_].members) {
      names.insert(plan_.package_names[member.engine] + " " + plan_.package_digests[member.engine]);
    }
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : "; ") + name;
    return text;
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return config_.output_directory + "/" + name;
  }

  void add_file(const std::string& name) { merged_.files.push_back(name); }

  /// Months (or days, or the year itself) of one calendar year that lie in the results, as product
  /// steps.
  [[nodiscard]] std::vector<ProductStep> steps_of(Period period, size_t step) const {
    const YearStep& year = plan_.steps[step];
    std::vector<ProductStep> steps;
    if (period == Period::annual) return {annual_step(plan_, year.year)};
    if (period == Period::monthly) {
      for (int month = 1; month <= 12; ++month) {
        if (month_in_results(plan_, year.year, month))
          steps.push_back(monthly_step(plan_, year.year, month));
      }
      return steps;
    }
    for (int day = first_result_day(plan_.start, year.year); day < year.days; ++day) {
      const Date date = from_day_of_year(year.year, day);
      steps.push_back({date, from_days(to_days(date) + 1), to_text(date)});
    }
    return steps;
  }

  void open_netcdf() {
    for (const Period period : {Period::annual, Period::monthly, Period::daily}) {
      OpenNetcdf file;
      std::vector<ProductVariable> variables;
      for (size_t k = 0; k < layers_.size(); ++k) {
        if (layers_[k].period != period || !layers_[k].netcdf) continue;
        file.layers.push_back(k);
        variables.push_back(layers_[k].description);
      }
      if (variables.empty()) continue;
      std::vector<ProductStep> steps;
      for (const size_t step : steps_) {
        const auto more = steps_of(period, step);
        steps.insert(steps.end(), more.begin(), more.end());
      }
      file.name = stem_ + "_" + to_string(period) + ".nc";
      Tags attributes = {
          {"title", config_.name + " " + name_ + ", " + to_string(period) + " carbon fluxes"}};
      for (const auto& tag : tags_) {
        if (tag.first != "TITLE") attributes.push_back(tag);
      }
      attributes.emplace_back(
          "comment",
          "Ra, Rh, Reco and GPP positive; NEE negative is uptake. Masses are of carbon.");
      file.writer =
          std::make_unique<CfWriter>(path(file.name), grid_, variables, steps, attributes);
      netcdf_.emplace(period, std::move(file));
    }
  }

  /// Bands of the annual file that a year belongs to: at most 12 years a file.
  void open_annual_cogs(size_t position) {
    if (position % kBandsPerFile == 0) {
      std::vector<ProductStep> bands;
      for (size_t k = position; k < std::min(steps_.size(), position + kBandsPerFile); ++k) {
        bands.push_back(annual_step(plan_, plan_.steps[steps_[k]].year));
      }
      const int first = plan_.steps[steps_[position]].year;
      const std::string part =
          steps_.size() > kBandsPerFile
              ? "_" + std::to_string(first) + "-" +
                    std::to_string(plan_.steps[steps_[position + bands.size() - 1]].year)
              : "";
      annual_.clear();
      for (const Layer& layer : layers_) {
        if (layer.period == Period::annual && layer.geotiff) {
          annual_.push_back(open_cog(layer, layer.name + "_annual" + part, bands,
                                     static_cast<int>(bands.size())));
        }
      }
      if (wants(Period::annual)) annual_quality_ = open_quality("quality_annual" + part, bands);
    }
    const int band = static_cast<int>(position % kBandsPerFile) + 1;
    for (auto& cog : annual_) cog.band = band;
    annual_quality_.band = band;
  }

  void open_year(size_t step) {
    const size_t position =
        static_cast<size_t>(std::find(steps_.begin(), steps_.end(), step) - steps_.begin());
    open_annual_cogs(position);
    monthly_.clear();
    const auto months = steps_of(Period::monthly, step);
    const std::string year = std::to_string(plan_.steps[step].year);
    for (const Layer& layer : layers_) {
      if (layer.period == Period::monthly && layer.geotiff) {
        const int shown = std::min<int>(7, static_cast<int>(months.size()));
        monthly_.push_back(open_cog(layer, layer.name + "_monthly_" + year, months, shown));
      }
    }
    if (wants(Period::monthly)) monthly_quality_ = open_quality("quality_monthly_" + year, months);
    totals_.clear();
  }

  [[nodiscard]] bool wants(Period period) const {
    return std::any_of(layers_.begin(), layers_.end(),
                       [&](const Layer& layer) { return layer.period == period; });
  }

  OpenCog open_cog(const Layer& layer, const std::string& suffix,
                   const std::vector<ProductStep>& bands, int look_band) {
    OpenCog cog;
    cog.name = stem_ + "_" + suffix;
    cog.caption_unit = layer.description.geotiff_unit;
    cog.title = name_ + ": " + layer.description.long_name;
    const ProductStep& shown = bands[static_cast<size_t>(look_band - 1)];
    cog.subtitle = shown.description + (layer.statistic == Statistic::sum ? ", sum" : ", mean") +
                   (plan_.synthetic_model ? " - model trained on synthetic data" : "");
    cog.diverging = is_diverging(layer.variable);
    cog.picture = layer.period == Period::annual;
    cog.look_band = look_band;
    Tags tags = tags_;
    tags.emplace_back("COMMENT", layer.description.comment);
    cog.writer = std::make_unique<CogWriter>(path(cog.name + ".tif"), grid_, bands,
                                             layer.description.geotiff_unit,
                                             CogWriter::Type::float32, tags, plan_.threads);
    cog.look = std::make_unique<QuicklookWriter>(grid_);
    cog.asset.key = suffix;
    cog.asset.href = cog.name + ".tif";
    cog.asset.title = layer.description.long_name;
    cog.asset.media_type = kMediaCog;
    cog.asset.roles = {"data"};
    for (const auto& band : bands)
      cog.asset.bands.push_back({band.description, layer.description.geotiff_unit});
    return cog;
  }

  OpenCog open_quality(const std::string& suffix, const std::vector<ProductStep>& bands) {
    OpenCog cog;
    cog.name = stem_ + "_" + suffix;
    cog.writer = std::make_unique<CogWriter>(path(cog.name + ".tif"), grid_, bands, "1",
                                             CogWriter::Type::uint16, tags_, plan_.threads);
    cog.asset.key = suffix;
    cog.asset.href = cog.name + ".tif";
    cog.asset.title = "quality flags";
    cog.asset.media_type = kMediaCog;
    cog.asset.roles = {"metadata"};
    for (const auto& band : bands)
      cog.asset.bands.push_back({band.description, "1", "uint16", 65535});
    return cog;
  }

  void pass_strips(size_t step) {
    const YearStep& year_step = plan_.steps[step];
    RegionYear year(stages_, ledger_, region_, step);
    const auto months = steps_of(Period::monthly, step);
    int year_days = 0;
    for (int month = 0; month < 12; ++month) year_days += year.month_days(month);
    for (int64_t row = 0; row < grid_.window.height; row += CfWriter::chunk_rows) {
      Stop::throw_if_requested();
      const int64_t rows = std::min(CfWriter::chunk_rows, grid_.window.height - row);
      year.move_to(row, rows);
      write_annual(year, row, rows, year_days);
      write_monthly(year, row, rows, months);
      if (netcdf_.count(Period::daily) > 0) write_daily(year, row, rows, year_step);
      add_totals(year, row, rows, months);
    }
    for (auto& [period, file] : netcdf_) {
      file.first_step += static_cast<int64_t>(steps_of(period, step).size());
    }
  }

  /// Hands one plane's strip to its GeoTIFF and NetCDF.
  void write_plane(const Layer& layer, std::vector<OpenCog>& cogs, size_t cog, int band,
                   int64_t step_in_year, int64_t row, int64_t rows,
                   const std::vector<float>& values) {
    if (layer.geotiff) {
      cogs[cog].writer->write_strip(band, row, rows, values.data());
      if (band == cogs[cog].look_band) cogs[cog].look->add_strip(row, rows, values.data());
    }
    if (layer.netcdf) {
      OpenNetcdf& file = netcdf_.at(layer.period);
      const size_t k = static_cast<size_t>(&layer - layers_.data());
      const auto variable = static_cast<size_t>(
          std::find(file.layers.begin(), file.layers.end(), k) - file.layers.begin());
      file.writer->write_strip(variable, static_cast<size_t>(file.first_step + step_in_year), row,
                               rows, values.data());
    }
  }

  void write_annual(const RegionYear& year, int64_t row, int64_t rows, int year_days) {
    size_t cog = 0;
    for (const Layer& layer : layers_) {
      if (layer.period != Period::annual) continue;
      const auto values =
          year.values(layer.variable, -1, layer.statistic == Statistic::mean ? year_days : 0);
      write_plane(layer, annual_, cog, layer.geotiff ? annual_[cog].band : 0, 0, row, rows, values);
      if (layer.geotiff) ++cog;
    }
    if (!annual_quality_.writer) return;
    const auto flags = year.quality(-1);
    annual_quality_.writer->write_strip(annual_quality_.band, row, rows, flags.data());
  }

  void write_monthly(const RegionYear& year, int64_t row, int64_t rows,
                     const std::vector<ProductStep>& months) {
    size_t cog = 0;
    for (const Layer& layer : layers_) {
      if (layer.period != Period::monthly) continue;
      for (size_t m = 0; m < months.size(); ++m) {
        const int month = months[m].first.month - 1;
        const auto values = year.values(
            layer.variable, month, layer.statistic == Statistic::mean ? year.month_days(month) : 0);
        write_plane(layer, monthly_, cog, static_cast<int>(m) + 1, static_cast<int64_t>(m), row,
                    rows, values);
      }
      if (layer.geotiff) ++cog;
    }
    auto& counts = merged_.flag_counts[name_];
    for (size_t m = 0; m < months.size(); ++m) {
      const auto flags = year.quality(months[m].first.month - 1);
      if (monthly_quality_.writer)
        monthly_quality_.writer->write_strip(static_cast<int>(m) + 1, row, rows, flags.data());
      for (const uint16_t flag : flags) {
        if (flag == kQualityNodata) continue;
        ++merged_.cell_months[name_];
        for (size_t bit = 0; bit < 16; ++bit) counts[bit] += (flag >> bit) & 1U;
      }
    }
  }

  void write_daily(const RegionYear& year, int64_t row, int64_t rows, const YearStep& step) {
    std::vector<OpenCog> none;
    const int first = first_result_day(plan_.start, step.year);
    for (const Layer& layer : layers_) {
      if (layer.period != Period::daily) continue;
      for (int day = first; day < step.days; ++day) {
        write_plane(layer, none, 0, 0, day - first, row, rows, year.daily(layer.variable, day));
      }
    }
  }

  /// Areas and masses by variable and period, region first, then each zone; rows in order, columns
  /// in order.
  void add_totals(const RegionYear& year, int64_t row, int64_t rows,
                  const std::vector<ProductStep>& months) {
    const CellWindow strip{grid_.window.column, grid_.window.row + row, grid_.window.width, rows};
    const RegionShape& shape = stages_.shapes.at(region_);
    const auto inside = cells_inside(plan_.lattice, strip, *shape.index, shape.to_region);
    std::vector<double> area(static_cast<size_t>(rows * strip.width), 0.0);
    oneapi::tbb::task_arena(plan_.threads).execute([&] {
      oneapi::tbb::parallel_for(int64_t{0}, rows, [&](int64_t r) {
        const auto line = areas_.row(row + r);
        std::copy(line.begin(), line.end(), area.begin() + static_cast<long>(r * strip.width));
      });
    });
    const auto at = [&](const CellIndex& cell) {
      return static_cast<size_t>((cell.row - strip.row) * strip.width + cell.column - strip.column);
    };
    const auto shares = year.shares();
    // The cells of each zone inside the region; zone 0 is the region itself.
    std::vector<std::vector<size_t>> members(zones_.size() + 1);
    std::vector<bool> in_region(area.size(), false);
    for (const auto& cell : inside) {
      members[0].push_back(at(cell));
      in_region[at(cell)] = true;
    }
    for (size_t z = 0; z < zones_.size(); ++z) {
      const auto zone = cells_inside(plan_.lattice, strip, *zones_[z].index, to_zones_);
      for (const auto& cell : zone) {
        if (in_region[at(cell)]) members[z + 1].push_back(at(cell));
      }
    }
    zone_area_.resize(zones_.size() + 1, 0.0);
    if (!areas_known_) {
      for (size_t z = 0; z < members.size(); ++z) {
        for (const size_t i : members[z]) zone_area_[z] += area[i];
      }
    }
    const auto add = [&](const std::string& variable, int month, const std::string& period,
                         Date first, Date end) {
      const auto values = year.values(variable, month, 0);
      for (size_t z = 0; z < members.size(); ++z) {
        Total& total = totals_[{z, period, variable}];
        total.first = first;
        total.end = end;
        for (const size_t i : members[z]) total.sums.add(area[i], shares[i], values[i]);
      }
    };
    if (compares_gpp_) {
      for (const auto& step : months) {
        const auto month = static_cast<size_t>(step.first.month - 1);
        const auto values = year.values("gpp", static_cast<int>(month), 0);
        ZoneTotals sums;
        for (const size_t i : members[0]) sums.add(area[i], shares[i], values[i]);
        gpp_mass_[month] += sums.total();
        gpp_area_days_[month] += sums.modelled() * year.month_days(static_cast<int>(month));
      }
    }
    std::set<std::pair<std::string, Period>> done;
    for (const Layer& layer : layers_) {
      if (layer.period == Period::daily || !done.insert({layer.variable, layer.period}).second)
        continue;
      if (layer.period == Period::annual) {
        const ProductStep step = annual_step(plan_, months.front().first.year);
        add(layer.variable, -1, std::to_string(months.front().first.year), step.first, step.end);
      } else {
        for (const auto& month : months) {
          add(layer.variable, month.first.month - 1, to_text(month.first).substr(0, 7), month.first,
              month.end);
        }
      }
    }
  }

  /// Compresses and writes one GeoTIFF with its style and picture; several at the same time.
  void finish_cog(OpenCog& cog) const {
    cog.writer->finish();
    if (!cog.look) {
      write_quality_qml(path(cog.name + ".qml"), cog.writer->codes());
      return;
    }
    auto [low, high] = cog.look->range();
    if (cog.diverging) {
      high = std::max(std::abs(low), std::abs(high));
      low = -high;
    }
    write_qml(path(cog.name + ".qml"), cog.title, low, high, cog.diverging);
    if (!cog.picture) return;
    Quicklook look{cog.title, cog.subtitle, cog.caption_unit, low, high, cog.diverging, outlines_};
    cog.look->finish(path(cog.name + ".png"), look);
  }

  /// Lists what finish_cog() wrote.
  void list_cog(OpenCog& cog) {
    add_file(cog.name + ".tif");
    if (cog.picture) {
      add_file(cog.name + ".png");
      merged_.quicklooks[cog.name + ".png"] = cog.title + ", " + cog.subtitle;
      assets_.push_back({cog.asset.key + "_quicklook",
                         cog.name + ".png",
                         cog.title,
                         kMediaPng,
                         {"overview"},
                         {},
                         0,
                         ""});
    }
    add_file(cog.name + ".qml");
    assets_.push_back(cog.asset);
    cog.writer.reset();
    cog.look.reset();
  }

  /// Finishes the files that are full: one after the other where they share a library's lock, all
  /// others at the same time.
  void finish_files(const std::vector<OpenCog*>& cogs, bool netcdf) {
    oneapi::tbb::task_arena arena(plan_.threads);
    arena.execute([&] {
      oneapi::tbb::task_group tasks;
      if (netcdf) {
        tasks.run([this] {
          const WorkSpan span("products");
          for (auto& [period, file] : netcdf_) file.writer->finish();
        });
      }
      for (OpenCog* cog : cogs) {
        tasks.run([this, cog] {
          const WorkSpan span("products");
          finish_cog(*cog);
        });
      }
      tasks.wait();
    });
    for (OpenCog* cog : cogs) list_cog(*cog);
  }

  void close_year(size_t step) {
    const size_t position =
        static_cast<size_t>(std::find(steps_.begin(), steps_.end(), step) - steps_.begin());
    const bool file_full = position + 1 == steps_.size() || (position + 1) % kBandsPerFile == 0;
    std::vector<OpenCog*> full;
    const auto add = [&full](OpenCog& cog) {
      if (cog.writer) full.push_back(&cog);
    };
    if (file_full) {
      for (auto& cog : annual_) add(cog);
      add(annual_quality_);
    }
    for (auto& cog : monthly_) add(cog);
    add(monthly_quality_);
    finish_files(full, position + 1 == steps_.size());
    areas_known_ = true;
    for (const auto& [key, total] : totals_) {
      const auto& [zone, period, variable] = key;
      if (zone_area_[zone] <= 0) continue;  // a zone that lies elsewhere
      SummaryRow row;
      row.region = name_;
      row.zone = zone == 0 ? "" : zones_[zone - 1].name;
      row.period = period;
      row.variable = variable;
      row.result = result_;
      row.first = total.first;
      row.end = total.end;
      row.area_m2 = zone_area_[zone];
      row.modelled_m2 = total.sums.modelled();
      row.total_g = total.sums.total();
      rows_.push_back(row);
    }
  }

  void finish_summary() {
    std::stable_sort(rows_.begin(), rows_.end(), [](const SummaryRow& a, const SummaryRow& b) {
      return std::tie(a.zone, a.variable) < std::tie(b.zone, b.variable);
    });
    merged_.summary.insert(merged_.summary.end(), rows_.begin(), rows_.end());
  }

  void write_stac() {
    for (const auto& [period, file] : netcdf_) {
      add_file(file.name);
      assets_.push_back({std::string(to_string(period)) + "_netcdf",
                         file.name,
                         std::string(to_string(period)) + " carbon fluxes, CF NetCDF",
                         kMediaNetcdf,
                         {"data"},
                         {},
                         0,
                         ""});
    }
    StacItem item;
    item.id = stem_;
    item.title = config_.name + " " + name_;
    item.description =
        "Gridded carbon fluxes (Ra, Rh, Reco, NEE) from remote-sensing GPP, climate and soil";
    if (plan_.synthetic_model) item.description += "; model trained on synthetic data";
    item.first = plan_.start;
    item.end = from_days(to_days(plan_.end) + 1);
    item.grid = grid_;
    item.version = FLUXTILE_VERSION;
    item.lineage = "Model " + model_text();
    item.properties = {{"fluxtile:result", result_}};
    for (auto asset : assets_) {
      if (asset.media_type != kMediaPng) {
        asset.bytes = fs::file_size(path(asset.href));
        asset.sha256 = sha256_file(path(asset.href));
      }
      item.assets.push_back(std::move(asset));
    }
    write_atomically(path(stem_ + ".stac.json"), stac_item_text(item));
    add_file(stem_ + ".stac.json");
  }

  struct Total {
    Date first, end;
    ZoneTotals sums;
  };

  const RunStages& stages_;
  const Ledger& ledger_;
  const Config& config_;
  const Plan& plan_;
  size_t region_;
  std::string name_, stem_, result_;
  const std::vector<Layer>& layers_;
  const std::vector<Zone>& zones_;
  const Transform& to_zones_;
  Merged& merged_;
  CellAreas areas_;
  std::vector<std::vector<Point>> outlines_;
  ProductGrid grid_;
  Tags tags_;
  std::vector<size_t> steps_;
  std::map<Period, OpenNetcdf> netcdf_;
  std::vector<OpenCog> annual_, monthly_;
  OpenCog annual_quality_, monthly_quality_;
  std::map<std::tuple<size_t, std::string, std::string>, Total>
      totals_;  // (zone, period, variable) of the year
  std::vector<double> zone_area_;
  bool areas_known_ = false;
  bool compares_gpp_ = false;
  MonthlyGpp gpp_mass_{}, gpp_area_days_{};  // by month, gC and m2 d, over all years
  std::vector<SummaryRow> rows_;
  std::vector<StacAsset> assets_;
};

}  // namespace

MergeCheck check_tiles(const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  MergeCheck check;
  std::vector<CellDigest> values(plan.regions.size());
  for (const TileUnit& unit : plan.units) {
    Stop::throw_if_requested();
    bool whole = true;
    CellDigest of_unit;
    for (size_t step = 0; step < plan.steps.size() && whole; ++step) {
      if (plan.steps[step].spinup) continue;
      const auto year = ledger.valid_tile_year(unit, step);
      whole = year.has_value();
      if (year) of_unit += cell_digest(*year);
    }
    if (whole) {
      values[unit.region] += of_unit;
    } else if (const auto failure = ledger.failure(unit)) {
      check.failed.push_back(*failure);
    } else {
      check.missing.push_back(unit);
    }
  }
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    Digest digest;
    digest.add_value(kResultRules).add_text(plan.regions[r].result_key);
    digest.add_text(hex(values[r].first, values[r].second));
    check.region_results.push_back(digest.hex());
  }
  return check;
}

Merged merge_products(const RunStages& stages, const Ledger& ledger, const Config& config,
                      const MergeCheck& check, Progress& progress) {
  const Plan& plan = *stages.plan;
  const auto layers = product_layers(config);
  std::vector<Zone> zones;
  Transform to_zones;
  if (!config.zones_file.empty()) {
    const RegionSet set = read_regions({config.zones_file, "", config.zones_key, ""}, {"all"});
    to_zones = Transform(choose_operation(Crs::from_user_input(plan.lattice.crs), set.crs));
    for (const auto& region : set.regions)
      zones.push_back({region.name, std::make_shared<const RegionIndex>(region)});
  }
  Merged merged;
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    RegionProducts(stages, ledger, config, r, check.region_results[r], layers, zones, to_zones,
                   merged)
        .write(progress);
  }
  const std::string summary = config.name + "_summary.csv";
  write_atomically(config.output_directory + "/" + summary, summary_csv(merged.summary));
  merged.files.push_back(summary);
  std::sort(merged.files.begin(), merged.files.end());
  for (const auto& file : merged.files)
    merged.sizes[file] = fs::file_size(config.output_directory + "/" + file);
  return merged;
}

}  // namespace fluxtile
