//===- Json.cpp - Programs as JSON ----------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every field of the schema under its own name, in the schema's order. Columns
// stay columns; indices of strings become the strings, absent indices null,
// kinds their names; code and weights become their size and SHA-256.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Columns.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/Sha256.h"

#include <nlohmann/json.hpp>

using namespace octo;
using flatbuffers::Vector;
using Json = nlohmann::ordered_json;

namespace {

class Writer {
public:
  explicit Writer(const fb::Program &program) : program(program) {}

  Json write() {
    Json json;
    json["major"] = program.major();
    json["minor"] = program.minor();
    json["schema_hash"] = fmt::format("{:016x}", program.schema_hash());
    json["producer"] = text(program.producer());
    json["target_digest"] = text(program.target_digest());
    json["image_cpu"] = text(program.image_cpu());
    json["machine"] = machine(*program.machine());
    json["types"] = types(*program.types());
    json["kernels"] = kernels(*program.kernels());
    json["weights"] = weights(*program.weights());
    json["distributions"] = distributions(*program.distributions());
    json["images"] = Json::array();
    if (program.images())
      for (const fb::Image *image : *program.images())
        json["images"].push_back({{"symbol", text(image->symbol())},
                                  {"object_bytes", sizeOf(image->object())},
                                  {"digest", text(image->digest())}});
    json["workflows"] = Json::array();
    for (const fb::Workflow *workflow : *program.workflows())
      json["workflows"].push_back(this->workflow(*workflow));
    return json;
  }

private:
  static std::string text(const flatbuffers::String *string) {
    return string ? string->str() : std::string();
  }

  /// Numbers and flags.
  template <class T>
  static Json column(const Vector<T> *vector) {
    Json json = Json::array();
    if (vector)
      for (T value : *vector)
        json.push_back(value);
    return json;
  }

  static Json flags(const Vector<uint8_t> *vector) {
    Json json = Json::array();
    if (vector)
      for (uint8_t value : *vector)
        json.push_back(value != 0);
    return json;
  }

  /// Indices, of which some may be absent.
  static Json indices(const Vector<uint32_t> *vector) {
    Json json = Json::array();
    if (vector)
      for (uint32_t value : *vector)
        json.push_back(value == 0xffffffff ? Json() : Json(value));
    return json;
  }

  Json strings(const Vector<uint32_t> *vector) const {
    Json json = Json::array();
    if (vector)
      for (uint32_t value : *vector)
        json.push_back(program.strings() && value < program.strings()->size()
                           ? Json(program.strings()->Get(value)->str())
                           : Json());
    return json;
  }

  template <class Enum>
  static Json kinds(const Vector<Enum> *vector, const char *(*name)(Enum)) {
    Json json = Json::array();
    if (vector)
      for (uint32_t i = 0; i < vector->size(); ++i)
        json.push_back(name(vector->Get(i)));
    return json;
  }

  static Json machine(const fb::Machine &m) {
    Json json;
    json["name"] = text(m.name());
    json["clock_hz"] = m.clock_hz();
    json["dies_x"] = m.dies_x();
    json["dies_y"] = m.dies_y();
    json["clusters_x"] = m.clusters_x();
    json["clusters_y"] = m.clusters_y();
    json["tbus"] = m.tbus();
    json["peas"] = m.peas();
    json["pe_rows"] = m.pe_rows();
    json["pe_cols"] = m.pe_cols();
    json["pea_class"] = column(m.pea_class());
    json["rates"] = Json::array();
    if (m.rates())
      for (const fb::PeaRates *rates : *m.rates())
        json["rates"].push_back({{"mac_q16", rates->mac_q16()},
                                 {"vector_q16", rates->vector_q16()},
                                 {"special_q16", rates->special_q16()},
                                 {"scalar_q16", rates->scalar_q16()}});
    json["pea_sram"] = m.pea_sram();
    json["scratchpad"] = m.scratchpad();
    json["scratchpad_bytes_per_cycle"] = m.scratchpad_bytes_per_cycle();
    json["config_store"] = m.config_store();
    json["config_bytes_per_cycle"] = m.config_bytes_per_cycle();
    json["config_switch_cycles"] = m.config_switch_cycles();
    json["link_bytes_per_cycle"] = m.link_bytes_per_cycle();
    json["hop_cycles"] = m.hop_cycles();
    json["link_buffer"] = m.link_buffer();
    json["die_link_bytes_per_cycle"] = m.die_link_bytes_per_cycle();
    json["die_hop_cycles"] = m.die_hop_cycles();
    json["cb_decision_cycles"] = m.cb_decision_cycles();
    json["token_hop_cycles"] = m.token_hop_cycles();
    json["command_cycles"] = m.command_cycles();
    json["local_dispatch_cycles"] = m.local_dispatch_cycles();
    json["central_dispatch_cycles"] = m.central_dispatch_cycles();
    json["host_cluster"] = m.host_cluster();
    json["host_in_bytes_per_cycle"] = m.host_in_bytes_per_cycle();
    json["host_out_bytes_per_cycle"] = m.host_out_bytes_per_cycle();
    json["host_latency"] = m.host_latency();
    json["hbm"] = Json::array();
    if (m.hbm())
      for (const fb::HbmPort *port : *m.hbm())
        json["hbm"].push_back({{"cluster", port->cluster()},
                               {"bytes_per_cycle", port->bytes_per_cycle()},
                               {"latency", port->latency()},
                               {"bytes", port->bytes()}});
    if (const fb::EnergyCosts *e = m.energy())
      json["energy"] = {{"mac", e->mac()},
                        {"vector", e->vector()},
                        {"special", e->special()},
                        {"scalar", e->scalar()},
                        {"scratchpad_byte", e->scratchpad_byte()},
                        {"link_byte_hop", e->link_byte_hop()},
                        {"hbm_byte", e->hbm_byte()},
                        {"config_byte", e->config_byte()},
                        {"control_token", e->control_token()},
                        {"pea_leakage_cycle", e->pea_leakage_cycle()},
                        {"host_byte", e->host_byte()},
                        {"die_link_byte", e->die_link_byte()},
                        {"cb_decision", e->cb_decision()},
                        {"cluster_leakage_cycle", e->cluster_leakage_cycle()}};
    json["dead_peas"] = column(m.dead_peas());
    json["dead_links"] = Json::array();
    if (m.dead_links())
      for (const fb::LinkId *link : *m.dead_links())
        json["dead_links"].push_back({link->from(), link->to()});
    json["faults"] = Json::array();
    if (m.faults())
      for (const fb::FaultEvent *fault : *m.faults())
        json["faults"].push_back(
            {{"cycle", fault->cycle()},
             {"kind", fb::EnumNameFaultKind(fault->kind())},
             {"unit", fault->unit()},
             {"other", fault->other()}});
    json["resize_fixed_cycles"] = m.resize_fixed_cycles();
    json["control_bytes_per_token"] = m.control_bytes_per_token();
    json["cb_cycles_per_scalar_q16"] = m.cb_cycles_per_scalar_q16();
    json["interface_cycles"] = m.interface_cycles();
    return json;
  }

  static Json types(const fb::TypeTable &t) {
    Json json;
    json["element"] = kinds(t.element(), fb::EnumNameElementKind);
    json["scalar"] = flags(t.scalar());
    json["dim_offsets"] = column(t.dim_offsets());
    json["dims"] = column(t.dims());
    return json;
  }

  Json kernels(const fb::KernelTable &k) const {
    Json json;
    json["name"] = strings(k.name());
    json["kind"] = kinds(k.kind(), fb::EnumNameKernelKind);
    json["pea_class"] = column(k.pea_class());
    json["code_bytes"] = column(k.code_bytes());
    json["num_inputs"] = column(k.num_inputs());
    json["num_outputs"] = column(k.num_outputs());
    json["num_counters"] = column(k.num_counters());
    json["signature_offsets"] = column(k.signature_offsets());
    json["signature"] = column(k.signature());
    json["donated"] = column(k.donated());
    json["image"] = indices(k.image());
    json["combine"] = kinds(k.combine(), fb::EnumNameCombine);
    json["variant_offsets"] = column(k.variant_offsets());
    json["variants"] = Json::array();
    if (k.variants())
      for (const fb::Variant *v : *k.variants())
        json["variants"].push_back({{"fixed", v->fixed()},
                                    {"mac_q16", v->mac_q16()},
                                    {"vector_q16", v->vector_q16()},
                                    {"special_q16", v->special_q16()},
                                    {"scalar_q16", v->scalar_q16()},
                                    {"bytes_q16", v->bytes_q16()},
                                    {"scale_q16", v->scale_q16()},
                                    {"footprint", v->footprint()},
                                    {"gang", v->gang()},
                                    {"sync", v->sync()}});
    if (const fb::WorkTable *w = k.work()) {
      Json &work = json["work"];
      work["term_offsets"] = column(w->term_offsets());
      work["work_class"] = kinds(w->work_class(), fb::EnumNameWorkClass);
      work["coefficient"] = column(w->coefficient());
      work["symbol_offsets"] = column(w->symbol_offsets());
      work["symbols"] = column(w->symbols());
    }
    if (const fb::PhaseTable *p = k.phases()) {
      Json &phases = json["phases"];
      phases["phase_offsets"] = column(p->phase_offsets());
      phases["kind"] = kinds(p->kind(), fb::EnumNamePhaseKind);
      phases["name"] = strings(p->name());
      phases["size_offsets"] = column(p->size_offsets());
      phases["size_kind"] = kinds(p->size_kind(), fb::EnumNameSizeKind);
      phases["form_offsets"] = column(p->form_offsets());
      phases["coefficient"] = column(p->coefficient());
      phases["symbol_offsets"] = column(p->symbol_offsets());
      phases["symbols"] = column(p->symbols());
    }
    if (k.mappings()) {
      json["mapping_offsets"] = column(k.mapping_offsets());
      json["mappings"] = Json::array();
      for (const fb::PhaseMapping *m : *k.mappings())
        json["mappings"].push_back(
            {{"dataflow", fb::EnumNameDataflow(m->dataflow())},
             {"parts_count", m->parts_count()},
             {"parts_m", m->parts_m()},
             {"parts_n", m->parts_n()},
             {"parts_k", m->parts_k()},
             {"tile_m", m->tile_m()},
             {"tile_n", m->tile_n()},
             {"tile_k", m->tile_k()}});
    }
    return json;
  }

  Json weights(const fb::WeightTable &w) const {
    Json json;
    json["name"] = strings(w.name());
    json["type"] = column(w.type());
    json["bytes"] = column(w.bytes());
    json["source"] = kinds(w.source(), fb::EnumNameWeightSource);
    json["seed"] = column(w.seed());
    json["scale"] = column(w.scale());
    json["path"] = strings(w.path());
    json["digest"] = strings(w.digest());
    json["data_offset"] = column(w.data_offset());
    std::string_view data;
    if (w.data())
      data = {reinterpret_cast<const char *>(w.data()->data()),
              w.data()->size()};
    json["data_bytes"] = data.size();
    json["data_digest"] = data.empty() ? Json() : Json(sha256Hex(data));
    return json;
  }

  static Json distributions(const fb::DistributionTable &d) {
    Json json;
    json["knot_offsets"] = column(d.knot_offsets());
    json["u"] = column(d.u());
    json["x"] = column(d.x());
    json["discrete"] = flags(d.discrete());
    json["curve"] = column(d.curve());
    json["shift"] = column(d.shift());
    json["scale"] = column(d.scale());
    json["mean_q16"] = column(d.mean_q16());
    return json;
  }

  Json workflow(const fb::Workflow &w) const {
    Json json;
    json["name"] = text(w.name());
    json["argument_names"] = strings(w.argument_names());
    json["result_names"] = strings(w.result_names());
    json["result_types"] = column(w.result_types());

    Json &values = json["values"];
    values["type"] = column(w.values()->type());
    values["bytes"] = column(w.values()->bytes());
    values["bytes_distribution"] = indices(w.values()->bytes_distribution());

    const fb::RegionTable &r = *w.regions();
    Json &regions = json["regions"];
    regions["role"] = kinds(r.role(), fb::EnumNameRegionRole);
    regions["owner"] = indices(r.owner());
    regions["block_begin"] = column(r.block_begin());
    regions["value_begin"] = column(r.value_begin());
    regions["num_imports"] = column(r.num_imports());
    regions["import_offsets"] = column(r.import_offsets());
    regions["imports"] = column(r.imports());
    regions["yield_offsets"] = column(r.yield_offsets());
    regions["yields"] = column(r.yields());

    const fb::BlockTable &b = *w.blocks();
    Json &blocks = json["blocks"];
    blocks["kind"] = kinds(b.kind(), fb::EnumNameBlockKind);
    blocks["region"] = column(b.region());
    blocks["path"] = strings(b.path());
    blocks["input_offsets"] = column(b.input_offsets());
    blocks["inputs"] = column(b.inputs());
    blocks["output_begin"] = column(b.output_begin());
    blocks["kernel"] = indices(b.kernel());
    blocks["decide_inputs"] = column(b.decide_inputs());
    blocks["join_kernel"] = indices(b.join_kernel());
    blocks["region_begin"] = column(b.region_begin());
    blocks["profile"] = indices(b.profile());
    blocks["bound"] = column(b.bound());
    blocks["source_file"] = strings(b.source_file());
    blocks["source_line"] = column(b.source_line());
    blocks["source_column"] = column(b.source_column());

    const fb::ProfileTable &p = *w.profiles();
    Json &profiles = json["profiles"];
    profiles["epoch_offsets"] = column(p.epoch_offsets());
    profiles["first_request"] = column(p.first_request());
    profiles["distribution"] = indices(p.distribution());
    profiles["frequency_offsets"] = column(p.frequency_offsets());
    profiles["frequencies"] = column(p.frequencies());

    Json &placement = json["placement"];
    placement["replica_offsets"] = column(w.placement()->replica_offsets());
    placement["replicas"] = Json::array();
    if (w.placement()->replicas())
      for (const fb::Replica *replica : *w.placement()->replicas())
        placement["replicas"].push_back({{"cluster", replica->cluster()},
                                         {"tbu", replica->tbu()},
                                         {"pea_first", replica->pea_first()},
                                         {"pea_count", replica->pea_count()},
                                         {"max_gang", replica->max_gang()},
                                         {"share_q16", replica->share_q16()},
                                         {"standby", replica->standby()}});
    placement["routing"] = kinds(w.placement()->routing(), fb::EnumNameRouting);

    const fb::SegmentTable &s = *w.segments();
    Json &segments = json["segments"];
    segments["region"] = column(s.region());
    segments["slot_offsets"] = column(s.slot_offsets());
    segments["slots"] = Json::array();
    if (s.slots())
      for (const fb::Slot *slot : *s.slots())
        segments["slots"].push_back({{"block", slot->block()},
                                     {"replica", slot->replica()},
                                     {"start", slot->start()},
                                     {"cycles", slot->cycles()}});
    segments["initiation_interval"] = column(s.initiation_interval());
    segments["lanes"] = column(s.lanes());

    const fb::PolicyTable &y = *w.policy();
    Json &policy = json["policy"];
    policy["version"] = y.version();
    policy["dynamic_time"] = flags(y.dynamic_time());
    policy["dynamic_frequency"] = flags(y.dynamic_frequency());
    policy["reason"] = strings(y.reason());
    policy["priority"] = column(y.priority());
    policy["expected_cycles"] = column(y.expected_cycles());
    policy["expected_cycles_p95"] = column(y.expected_cycles_p95());
    policy["expected_count_q16"] = column(y.expected_count_q16());
    policy["successors_hint_offsets"] = column(y.successors_hint_offsets());
    policy["successors_hint"] = column(y.successors_hint());
    policy["epoch_cycles"] = y.epoch_cycles();
    policy["age_cycles"] = y.age_cycles();

    if (const fb::RecordTable *d = w.records()) {
      Json &records = json["records"];
      records["record_offsets"] = column(d->record_offsets());
      records["block"] = indices(d->block());
      records["tag"] = column(d->tag());
      records["value_offsets"] = column(d->value_offsets());
      records["values"] = column(d->values());
    }
    if (const fb::DecisionTable *d = w.decisions()) {
      Json &decisions = json["decisions"];
      decisions["block"] = column(d->block());
      decisions["kind"] = kinds(d->kind(), fb::EnumNameDecisionKind);
      decisions["candidate_offsets"] = column(d->candidate_offsets());
      decisions["candidates"] = Json::array();
      if (d->candidates())
        for (const fb::Candidate *candidate : *d->candidates())
          decisions["candidates"].push_back(
              {{"cluster", candidate->cluster()},
               {"tbu", candidate->tbu()},
               {"gang", candidate->gang()},
               {"score", candidate->score()},
               {"outcome", fb::EnumNameRejection(candidate->outcome())}});
    }
    if (const fb::FlowTable *f = w.flows()) {
      Json &flows = json["flows"];
      flows["input"] = column(f->input());
      flows["chunks"] = column(f->chunks());
      flows["buffer"] = column(f->buffer());
    }
    if (const fb::RequestPath *p = w.request_path())
      json["request_path"] = {{"cycles", p->cycles()},
                              {"deviation", p->deviation()},
                              {"tail", p->tail()},
                              {"tail_per_million", p->tail_per_million()},
                              {"samples", p->samples()}};
    return json;
  }

  const fb::Program &program;
};

} // namespace

std::string octo::programToJson(const fb::Program &program) {
  // Names come from users; what is not UTF-8 in them is replaced.
  return Writer(program).write().dump(2, ' ', false,
                                      Json::error_handler_t::replace) +
         "\n";
}
